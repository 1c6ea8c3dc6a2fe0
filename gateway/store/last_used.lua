-- When keys were last used. Of several replicas the latest counts; none is believed that is ahead of Redis's clock, and
-- a key that was revoked meanwhile is passed over.
-- KEYS  last-used, the table of keys        ARGV  for each key: its id, milliseconds since the epoch
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for at = 1, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 1 then
    local used = math.min(tonumber(ARGV[at + 1]), now)
    local stands = tonumber(redis.call('HGET', KEYS[1], ARGV[at]) or '-1')
    if used > stands then
      redis.call('HSET', KEYS[1], ARGV[at], string.format('%d', used))
    end
  end
end
