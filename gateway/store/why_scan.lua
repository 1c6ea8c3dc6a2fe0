-- A step of a search through a tenant's Why records, here because what is not wanted should not travel. What a stream's
-- entry is: `why.lua`.
-- KEYS  the tenant's stream
-- ARGV  XRANGE or XREVRANGE; ids of entries where it begins and where it ends; the id of a record after which it goes on,
--       in the search's order, or ""; records that are looked at, an entry's more perhaps; records that are answered; a
--       time or "": only calls that arrived then or before; then texts that a record must all have in it
-- Answers the id of the record that was looked at last ("": there are no more), where entries begin that were not looked
-- through, how many records were looked at, and what was found: id, record, id, record …
local LEAST_AT_ONCE, MOST_AT_ONCE, MOST_ENTRIES = 2, 100, 1000
local command, at, to, after, latest = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[7]
local most, room, marks = tonumber(ARGV[5]), tonumber(ARGV[6]), 8
local forwards = command == 'XRANGE'
local after_time, after_number = string.match(after, '(%d+)-(%d+)')
local looked, found, resuming = 0, {}, after ~= ''

-- Whether all texts stand in it: in one record's line, if it is one.
local function has_all(lines)
  for text = marks, #ARGV do
    if not string.find(lines, ARGV[text], 1, true) then
      return false
    end
  end
  return true
end

-- When a record's call arrived; all times have one length.
local function time_of(record)
  local _, mark = string.find(record, '"time":"', 1, true)
  return string.sub(record, mark + 1, mark + #latest)
end

-- How many records an entry's fields hold, when the first of their calls arrived where that is asked for, their lines.
local function read(fields)
  if fields[1] == 'count' then
    return tonumber(fields[2]), fields[4], fields[8]
  end
  return 1, latest ~= '' and time_of(fields[2]) or '', fields[2]
end

local function id_of(entry, place, count)
  local time, number = string.match(entry, '(%d+)-(%d+)')
  return string.format('%s-%.0f', time, tonumber(number) - count + place)
end

-- The places of an entry's records that are to be looked at, as a loop takes them. As far as the entry where the search
-- goes on, they were seen before.
local function places(entry, count)
  local first, final, step = count, 1, -1
  if forwards then
    first, final, step = 1, count, 1
  end
  if resuming then
    local time, number = string.match(entry, '(%d+)-(%d+)')
    if time == after_time then
      local seen = tonumber(after_number) - tonumber(number) + count
      first = forwards and math.max(first, seen + 1) or math.min(first, seen - 1)
    end
    resuming = (final - first) * step < 0
  end
  return first, final, step
end

-- Looks through some of an entry's records; where one takes the last room, its id and where entries begin after it.
local function look(entry, count, lines, first, final, step)
  local records = {lines}
  if count > 1 then
    records = {}
    for record in string.gmatch(lines, '[^\n]+') do
      records[#records + 1] = record
    end
  end
  for place = first, final, step do
    if has_all(records[place]) and (latest == '' or time_of(records[place]) <= latest) then
      local id = id_of(entry, place, count)
      found[#found + 1] = id
      found[#found + 1] = records[place]
      if #found == 2 * room then
        return id, (place == final and '(' or '') .. entry
      end
    end
  end
end

local at_once, entries_seen = LEAST_AT_ONCE, 0
local last, last_place, last_count
while looked < most and entries_seen < MOST_ENTRIES do
  local entries = redis.call(command, KEYS[1], at, to, 'COUNT', at_once)
  for _, entry in ipairs(entries) do
    local count, earliest, lines = read(entry[2])
    local first, final, step = places(entry[1], count)
    if not resuming then
      local full, beginning = nil, nil
      if (latest == '' or earliest <= latest) and has_all(lines) then
        full, beginning = look(entry[1], count, lines, first, final, step)
      end
      looked = looked + (final - first) * step + 1
      if full then
        return {full, beginning, looked, found}
      end
      last, last_place, last_count = entry[1], final, count
    end
  end
  if #entries < at_once then
    return {'', '', looked, found}
  end
  at = '(' .. entries[#entries][1]
  entries_seen = entries_seen + #entries
  -- More and more, but no more than hold what is still to be looked at, if they are like those until here.
  local enough = math.ceil((most - looked) * entries_seen / math.max(1, looked))
  at_once = math.max(LEAST_AT_ONCE, math.min(2 * at_once, MOST_AT_ONCE, enough))
end
return {last and id_of(last, last_place, last_count) or after, at, looked, found}
