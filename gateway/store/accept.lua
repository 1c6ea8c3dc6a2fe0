-- An admin has said which state holds: a new epoch begins, in place of every one before it.
-- KEYS  meta, changes, audit
-- ARGV  1-3 the epoch, revision and token that the store had when it was found to be another
--       4 new epoch   5 new token   6 the revision to begin with, at least   7 the epochs that it replaces, besides the store's own
--       8 audit JSON   9 the state that is to hold
-- Returns the revision; 0 where the store is no longer what it was found to be; -1 where it was overwritten in part by a
-- decision for the replicas' state that was cut off, so that its own cannot hold any more.
local here = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'token', 'diverged', 'replaced')
if not here[4] or (here[1] or '') ~= ARGV[1] or (here[2] or '0') ~= ARGV[2] or (here[3] or '') ~= ARGV[3] then
  return 0
end
if ARGV[9] == 'store' and redis.call('HEXISTS', KEYS[1], 'restoring') == 1 then
  return -1
end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local revision = math.max(tonumber(ARGV[6]), tonumber(here[2] or '0') + 1, tonumber(here[4]) + 1)
if last[1] then
  revision = math.max(revision, tonumber(string.match(last[1][1], '^%d+')) + 1)
end
local doubters = redis.call('HGET', KEYS[1], 'doubters') or ''
local replaced = table.concat({ here[5] or '', ARGV[7], here[1] or '', doubters }, ' ')
redis.call('HSET', KEYS[1], 'epoch', ARGV[4], 'token', ARGV[5], 'revision', string.format('%d', revision))
redis.call('HSET', KEYS[1], 'replaced', replaced)
redis.call('HDEL', KEYS[1], 'diverged', 'doubters', 'restoring')
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '100000', string.format('%d-0', revision), '@', ARGV[4] .. ' - ' .. ARGV[5])
redis.call('XADD', KEYS[3], '*', 'revision', revision, 'record', ARGV[8])
return revision
