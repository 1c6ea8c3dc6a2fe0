-- One change: every condition, every row, the change entry, the audit record and the timelines, or nothing.
--
-- KEYS  meta, changes, then the hash of each write, the streams of the audit record, and the stream of each note
-- ARGV  1 epoch (for an empty store)   2 this change's token   3-5 what the changer knows: epoch ('' = nothing), revision, token
--       6 number of writes   7 number of audit streams   8 number of notes   9 audit JSON   10 days that audit records are kept
--       11 whether the changer holds routes ('1') and so knows a state that could hold
--       then for each write: table, field, before ('' = absent), after ('' = delete, '=' = only compare),
--                            followed ('1' = replicas hold this table)
--       then for each note: its JSON
-- Returns {'conflict', index of the write (from 0)}, {'diverged'} or {'ok', revision, epoch, token}.
local meta, changes = KEYS[1], KEYS[2]
local writes, audits, notes = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local function argument(write, offset)
  return ARGV[11 + (write - 1) * 5 + offset]
end

-- A changer who knows another history, or one that is further on, must not add to this one (see store/marks.py).
local here = redis.call('HMGET', meta, 'epoch', 'revision', 'token', 'diverged', 'replaced')
local epoch, revision, token = here[1] or '', tonumber(here[2] or '0'), here[3] or ''
if here[4] then
  return {'diverged'}
end
if ARGV[3] ~= '' then
  local known, other = tonumber(ARGV[4]), false
  if epoch == ARGV[3] then
    other = revision < known or (revision == known and token ~= ARGV[5])
  else
    other = not string.find(' ' .. (here[5] or '') .. ' ', ' ' .. ARGV[3] .. ' ', 1, true)
  end
  if other then -- said to everybody, so that an admin can decide; see diverge.lua
    local doubters = redis.call('HGET', meta, 'doubters') or ''
    if not string.find(' ' .. doubters .. ' ', ' ' .. ARGV[3] .. ' ', 1, true) then
      redis.call('HSET', meta, 'doubters', doubters .. ' ' .. ARGV[3])
    end
    if ARGV[11] == '1' then
      redis.call('HSET', meta, 'diverged', ARGV[4])
    end
    return {'diverged'}
  end
end

for write = 1, writes do
  local now = redis.call('HGET', KEYS[2 + write], argument(write, 2)) or ''
  if now ~= argument(write, 3) then
    return {'conflict', write - 1}
  end
end

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

if epoch == '' then
  epoch = ARGV[1]
  redis.call('HSET', meta, 'epoch', epoch)
end
local before = token
if #entry > 0 then
  revision, token = revision + 1, ARGV[2]
  redis.call('HSET', meta, 'revision', string.format('%d', revision), 'token', token)
end

local stamp = string.format('%d ', revision)
for write = 1, writes do
  local after = argument(write, 4)
  if after == '' then
    redis.call('HDEL', KEYS[2 + write], argument(write, 2))
  elseif after ~= '=' then
    redis.call('HSET', KEYS[2 + write], argument(write, 2), stamp .. after)
  end
end

if #entry > 0 then
  local fields = {'@', epoch .. ' ' .. (before == '' and '-' or before) .. ' ' .. token}
  for _, write in ipairs(entry) do
    local after = argument(write, 4)
    fields[#fields + 1] = argument(write, 1) .. '/' .. argument(write, 2)
    fields[#fields + 1] = after == '' and '' or stamp .. after
  end
  -- Whoever is further behind loads all rows anew; so that large rows do not fill the memory, they are kept shorter.
  local size = 0
  for _, field in ipairs(fields) do
    size = size + #field
  end
  local most = math.max(100, math.min(100000, math.floor(67108864 / size)))
  redis.call('XADD', changes, 'MAXLEN', '~', string.format('%d', most), string.format('%d-0', revision), unpack(fields))
end
local id, keep = '*', tonumber(ARGV[10]) * 86400
local oldest = string.format('%d-0', math.max(0, redis.call('TIME')[1] - keep) * 1000)
for audit = 1, audits do
  local stream = KEYS[2 + writes + audit]
  id = redis.call('XADD', stream, 'MINID', '~', oldest, id, 'revision', revision, 'record', ARGV[9])
  redis.call('EXPIRE', stream, string.format('%d', keep))
end
for note = 1, notes do
  local body = ARGV[11 + writes * 5 + note]
  redis.call('XADD', KEYS[2 + writes + audits + note], 'MAXLEN', '~', '10000', '*', 'event', body)
end
return {'ok', revision, epoch, token}
