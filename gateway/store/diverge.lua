-- A replica has found that the store's history is no continuation of what it knows: nobody adds to it from here on.
-- KEYS  meta     ARGV  the epoch, revision and token that the replica saw; the revision and the epoch that it knows, which
--                      is among those that an accepted state replaces
-- Returns 1, or 0 where the store has moved on meanwhile (an admin has accepted a state).
local here = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'token', 'diverged')
if (here[1] or '') ~= ARGV[1] or (here[2] or '0') ~= ARGV[2] or (here[3] or '') ~= ARGV[3] then
  return 0
end
if not here[4] or tonumber(here[4]) < tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], 'diverged', ARGV[4])
end
local doubters = redis.call('HGET', KEYS[1], 'doubters') or ''
if ARGV[5] ~= '' and not string.find(' ' .. doubters .. ' ', ' ' .. ARGV[5] .. ' ', 1, true) then
  redis.call('HSET', KEYS[1], 'doubters', doubters .. ' ' .. ARGV[5])
end
return 1
