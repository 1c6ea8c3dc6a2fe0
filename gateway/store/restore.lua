-- A batch of rows as a replica knows them, while nobody else may change anything.
-- KEYS  meta, then the hash of each row
-- ARGV  the epoch, revision and token that the store had when it was found to be another; the state that is to hold;
--       then for each row: field, value ('' = delete)
-- Returns 1, or 0 where the store is no longer what it was found to be.
local here = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'token', 'diverged')
if not here[4] or (here[1] or '') ~= ARGV[1] or (here[2] or '0') ~= ARGV[2] or (here[3] or '') ~= ARGV[3] then
  return 0
end
if ARGV[4] == 'replicas' then -- from here on the store's own state is no longer whole
  redis.call('HSET', KEYS[1], 'restoring', 1)
end
for row = 2, #KEYS do
  local field, value = ARGV[row * 2 + 1], ARGV[row * 2 + 2]
  if value == '' then
    redis.call('HDEL', KEYS[row], field)
  else
    redis.call('HSET', KEYS[row], field, value)
  end
end
return 1
