-- Why records of several tenants, in their order, and what is counted of them: a batch of one writer, once. A batch that
-- is sent again because its answer did not come does nothing.
-- KEYS  the number of the writer's last batch; the tenants' streams; the hash of each minute's count; then for each day
--       of a tenant: its hash, and the tenant's list of days
-- ARGV  number of this batch, seconds that it is remembered, number of streams, number of minutes, records a stream
--       keeps, id before which records are too old, seconds that a stream, a minute, a day is kept, the first day that is
--       kept as YYYYMMDD, the most combinations that a day has
--       then for each stream: its records, JSON, one a line (JSON has no line feed of its own)
--       then for each minute: calls of the fine-tuned model and of the stock model, "<fine_tuned> <stock>"
--       then for each day: "<YYYY-MM-DD>\n", and a line for each combination: six numbers as in METRICS, then the
--       combination, JSON: [fine_tuned, model, workflow]
local METRICS = {'calls', 'failed', 'input_tokens', 'output_tokens', 'nano_usd', 'calls_without_cost'}
local OTHERS = {t = '[true,"other","other"]', f = '[false,"other","other"]'}

if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then
  return 0
end
-- Before all else: a batch that breaks off in the middle must not be counted again and again.
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])

local streams, minutes = tonumber(ARGV[3]), tonumber(ARGV[4])
local name, said = 1, 11

local function following()
  name, said = name + 1, said + 1
  return KEYS[name], ARGV[said]
end

for _ = 1, streams do
  local stream, records = following()
  for record in string.gmatch(records, '[^\n]+') do
    redis.call('XADD', stream, 'MAXLEN', '~', ARGV[5], '*', 'record', record)
  end
  redis.call('XTRIM', stream, 'MINID', '~', ARGV[6])
  redis.call('EXPIRE', stream, ARGV[7])
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
  redis.call('ZREMRANGEBYSCORE', days, '-inf', '(' .. ARGV[10])
  redis.call('EXPIRE', days, ARGV[9])
end
return 1
