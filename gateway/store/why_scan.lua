-- A step of a search through a tenant's Why records, here because what is not wanted should not travel.
-- KEYS  the tenant's stream
-- ARGV  XRANGE or XREVRANGE, where it begins, where it ends, entries that are looked at, records that are answered,
--       a time or "": only calls that arrived then or before, then texts that a record must all have in it
-- Answers the id of the entry that was looked at last ("": there are no more), how many were, and what was found:
-- id, record, id, record …
local AT_ONCE = 100
local most, room, latest = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local at, looked, found = ARGV[2], 0, {}

local function wanted(record)
  for text = 7, #ARGV do
    if not string.find(record, ARGV[text], 1, true) then
      return false
    end
  end
  return latest == '' or string.match(record, '"time":"([^"]*)"') <= latest
end

while looked < most do
  local entries = redis.call(ARGV[1], KEYS[1], at, ARGV[3], 'COUNT', AT_ONCE)
  for _, entry in ipairs(entries) do
    looked = looked + 1
    if wanted(entry[2][2]) then
      found[#found + 1] = entry[1]
      found[#found + 1] = entry[2][2]
      if #found == 2 * room then
        return {entry[1], looked, found}
      end
    end
  end
  if #entries < AT_ONCE then
    return {'', looked, found}
  end
  at = '(' .. entries[#entries][1]
end
return {string.sub(at, 2), looked, found}
