-- Why records of several tenants, in their order; each stream is kept within its length and age. What of it was written
-- when the connection broke may be written again.
-- KEYS  the tenants' streams, then the hash of each count
-- ARGV  number of streams, records a stream keeps, id before which records are too old, seconds that a count is kept,
--       then for each stream: its records, JSON, one a line (JSON has no line feed of its own)
--       then for each count: calls of the fine-tuned model and of the stock model, "<fine_tuned> <stock>"
local streams = tonumber(ARGV[1])

for stream = 1, streams do
  for record in string.gmatch(ARGV[4 + stream], '[^\n]+') do
    redis.call('XADD', KEYS[stream], 'MAXLEN', '~', ARGV[2], '*', 'record', record)
  end
  redis.call('XTRIM', KEYS[stream], 'MINID', '~', ARGV[3])
end

for count = streams + 1, #KEYS do
  local fine_tuned, stock = string.match(ARGV[4 + count], '(%d+) (%d+)')
  redis.call('HINCRBY', KEYS[count], 'fine_tuned', fine_tuned)
  redis.call('HINCRBY', KEYS[count], 'stock', stock)
  redis.call('EXPIRE', KEYS[count], ARGV[4])
end
