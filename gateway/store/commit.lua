-- One change: every condition, every row, the change entry, the audit record and the timelines, or nothing.
--
-- KEYS  meta, changes, audit, then the hash of each write, then the stream of each note
-- ARGV  epoch (for an empty store), audit JSON ('' = none), number of writes, number of notes,
--       then for each write: table, field, before ('' = absent), after ('' = delete, '=' = only compare),
--                            followed ('1' = replicas hold this table)
--       then for each note: its JSON
-- Returns {'conflict', index of the write (from 0)} or {'ok', revision}.
local meta, changes, audit = KEYS[1], KEYS[2], KEYS[3]
local writes, notes = tonumber(ARGV[3]), tonumber(ARGV[4])

local function argument(write, offset)
  return ARGV[4 + (write - 1) * 5 + offset]
end

for write = 1, writes do
  local now = redis.call('HGET', KEYS[3 + write], argument(write, 2)) or ''
  if now ~= argument(write, 3) then
    return {'conflict', write - 1}
  end
end

local revision = tonumber(redis.call('HGET', meta, 'revision') or '0')
local entry = {}
for write = 1, writes do
  if argument(write, 5) == '1' and argument(write, 4) ~= '=' then
    entry[#entry + 1] = write
  end
end
-- `unpack` below is bounded, and nothing may be written before it is certain that everything can be.
if #entry > 1000 then
  return redis.error_reply('TOOMANY followed rows in one change')
end

redis.call('HSETNX', meta, 'epoch', ARGV[1])
if #entry > 0 then
  revision = redis.call('HINCRBY', meta, 'revision', 1)
end

local stamp = string.format('%d ', revision)
for write = 1, writes do
  local after = argument(write, 4)
  if after == '' then
    redis.call('HDEL', KEYS[3 + write], argument(write, 2))
  elseif after ~= '=' then
    redis.call('HSET', KEYS[3 + write], argument(write, 2), stamp .. after)
  end
end

if #entry > 0 then
  local fields = {}
  for _, write in ipairs(entry) do
    local after = argument(write, 4)
    fields[#fields + 1] = argument(write, 1) .. '/' .. argument(write, 2)
    fields[#fields + 1] = after == '' and '' or stamp .. after
  end
  redis.call('XADD', changes, 'MAXLEN', '~', '100000', string.format('%d-0', revision), unpack(fields))
end
if ARGV[2] ~= '' then
  redis.call('XADD', audit, '*', 'revision', revision, 'record', ARGV[2])
end
for note = 1, notes do
  redis.call('XADD', KEYS[3 + writes + note], 'MAXLEN', '~', '10000', '*', 'event', ARGV[4 + writes * 5 + note])
end
return {'ok', revision}
