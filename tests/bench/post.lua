-- wrk's side of the bench: sends one body again and again, each time with a key drawn at random from a file; prints one
-- line of JSON at the end. Arguments: the body's file, the keys' file (one a line; more headers behind it, after tabs).
local requests = {}

function init(arguments)
  local body = assert(io.open(arguments[1], "rb")):read("*a")
  local headers = { ["content-type"] = "application/json" }
  for line in io.lines(arguments[2]) do
    headers["authorization"] = "Bearer " .. line:match("^[^\t]+")
    for name, value in line:gmatch("\t([^:]+): ([^\t]+)") do headers[name] = value end
    requests[#requests + 1] = wrk.format("POST", "/v1/chat/completions", headers, body)
  end
end

function request()
  if #requests == 1 then return requests[1] end
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "refused": %d, "broken": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, failed.status,
    failed.connect + failed.read + failed.write + failed.timeout, latency:percentile(50), latency:percentile(99)
  ))
end
