-- Why records of several tenants, in their order, and what is counted of them: a batch of one writer, once. A batch that
-- is sent again because its answer did not come does nothing.
-- KEYS  the number of the writer's last batch; a tenant's stream for each entry; the hash of each minute's count; then
--       for each day of a tenant: its hash, and the tenant's list of days
-- ARGV  number of this batch, seconds that it is remembered, number of entries, number of minutes, records a stream
--       keeps, the writer's clock in milliseconds, seconds that a stream, a minute, a day is kept, the first day that is
--       kept, by the writer's clock, as YYYYMMDD, the most combinations that a day has
--       then for each entry: "<how many records> <time of the earliest>\n", then the records, JSON, one a line (JSON has
--       no line feed of its own)
--       then for each minute: calls of the fine-tuned model and of the stock model, "<fine_tuned> <stock>"
--       then for each day: "<YYYY-MM-DD>\n", and a line for each combination: six numbers as in METRICS, then the
--       combination, JSON: [fine_tuned, model, workflow]
--
-- A stream's entry holds all records of a tenant that came together: "count", "earliest" (the time of the call that
-- arrived first), "entry" (which one it is of the stream's, from 1), "lines". Its id is "<milliseconds>-<number>", the number
-- of its last record among all that the stream was ever given; so a record has an id too, its entry's time with its own
-- number, and what a stream keeps is told by two ids. Releases before wrote an entry for each record: "record", JSON.
local METRICS = {'calls', 'failed', 'input_tokens', 'output_tokens', 'nano_usd', 'calls_without_cost'}
local OTHERS = {t = '[true,"other","other"]', f = '[false,"other","other"]'}
local LOOKED_BACK, TRIMMED_AT_ONCE, SAME_CLOCK_MS = 100, 16, 3600 * 1000

if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then
  return 0
end
-- Before all else: a batch that breaks off in the middle must not be counted again and again.
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])

local added, minutes, keep = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local trimmed = math.max(1, math.floor(keep / 100)) -- after so many records a stream is trimmed again
local name, said = 1, 11
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
-- What is too old goes by the store's clock. A writer's that is wrong must not remove what others wrote.
local oldest = string.format('%.0f-0', math.max(0, now - tonumber(ARGV[7]) * 1000))
local agreed = math.abs(now - tonumber(ARGV[6])) < SAME_CLOCK_MS

local function following()
  name, said = name + 1, said + 1
  return KEYS[name], ARGV[said]
end

local function numbered(entry)
  return tonumber(string.match(entry[1], '-(%d+)'))
end

-- How many records and entries the stream was ever given, and its last id, by its last entry. Behind a release before,
-- which writes beside this one while gateways are renewed, entries without numbers follow those that have one.
local function given(stream)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  if #last == 0 then
    redis.call('DEL', stream) -- what was emptied remembers its last id, which a clock set back would not get past
    return 0, 0, 0, 0
  end
  local time, number = string.match(last[1][1], '(%d+)-(%d+)')
  if last[1][2][1] ~= 'count' then
    last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', LOOKED_BACK)
  end
  for after, entry in ipairs(last) do
    if entry[2][1] == 'count' then
      return numbered(entry) + after - 1, tonumber(entry[2][6]) + after - 1, tonumber(time), tonumber(number)
    end
  end
  return 0, 0, tonumber(time), tonumber(number)
end

-- Removes the oldest entries without which the stream still has as many records as it keeps.
local function trim(stream, records, entries)
  local from, passed = '-', 0
  while true do
    local oldest = redis.call('XRANGE', stream, from, '+', 'COUNT', TRIMMED_AT_ONCE)
    for _, entry in ipairs(oldest) do
      if entry[2][1] ~= 'count' and records < keep then -- a record each, before those that have numbers
        redis.call('XTRIM', stream, 'MAXLEN', '=', entries + keep - records)
        return
      elseif entry[2][1] == 'count' and records - numbered(entry) < keep then
        if passed > 0 then
          redis.call('XTRIM', stream, 'MINID', '=', entry[1])
        end
        return
      end
      passed = passed + 1
    end
    from = '(' .. oldest[#oldest][1]
  end
end

local function add(stream, said)
  local head = string.find(said, '\n', 1, true)
  local count, earliest = string.match(said, '^(%d+) (%S+)')
  local before, entries, time, number = given(stream)
  local records = before + tonumber(count)
  local at = math.max(time, now)
  if at == time and number >= records then
    at = at + 1
  end
  redis.call('XADD', stream, string.format('%.0f-%.0f', at, records), 'count', count, 'earliest', earliest,
    'entry', string.format('%.0f', entries + 1), 'lines', string.sub(said, head + 1))
  if math.floor(before / trimmed) < math.floor(records / trimmed) then
    trim(stream, records, entries + 1)
  end
  redis.call('XTRIM', stream, 'MINID', '~', oldest)
  redis.call('EXPIRE', stream, ARGV[7])
end

for _ = 1, added do
  add(following())
end

for _ = 1, minutes do
  local minute, counted = following()
  local fine_tuned, stock = string.match(counted, '(%d+) (%d+)')
  redis.call('HINCRBY', minute, 'fine_tuned', fine_tuned)
  redis.call('HINCRBY', minute, 'stock', stock)
  redis.call('EXPIRE', minute, ARGV[8])
end

-- The combination that is counted: itself while there is room for it, else "other".
local function place(day, combination)
  if redis.call('HEXISTS', day, 'calls ' .. combination) == 1 then
    return combination
  end
  if redis.call('HINCRBY', day, 'combinations', 1) <= tonumber(ARGV[11]) then
    return combination
  end
  return OTHERS[string.sub(combination, 2, 2)]
end

while name < #KEYS do
  local day, counted = following()
  name = name + 1
  local days = KEYS[name]
  local date = string.sub(counted, 1, 10)
  for line in string.gmatch(string.sub(counted, 12), '[^\n]+') do
    local combination = place(day, string.match(line, ' (%[.*)$'))
    local metric = 0
    for number in string.gmatch(string.match(line, '^[%d ]+'), '%d+') do
      metric = metric + 1
      if metric == 1 or number ~= '0' then
        redis.call('HINCRBY', day, METRICS[metric] .. ' ' .. combination, number)
      end
    end
  end
  redis.call('EXPIRE', day, ARGV[9])
  redis.call('ZADD', days, (string.gsub(date, '-', '')), date)
  if agreed then
    redis.call('ZREMRANGEBYSCORE', days, '-inf', '(' .. ARGV[10])
  end
  redis.call('EXPIRE', days, ARGV[9])
end
return 1
