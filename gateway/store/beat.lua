-- A replica says that it lives and what it has applied. Redis's clock, so that replicas' clocks do not matter.
-- KEYS  replicas        ARGV  replica id, revision, version, milliseconds after which a silent one is forgotten
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local replicas = redis.call('HGETALL', KEYS[1])
for i = 1, #replicas, 2 do
  local seen = tonumber(string.match(replicas[i + 1], '^%d+ (%d+) '))
  if now - seen > tonumber(ARGV[4]) then
    redis.call('HDEL', KEYS[1], replicas[i])
  end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %d %s', ARGV[2], now, ARGV[3]))
return now
