-- For wrk: posts one JSON example again and again, and tells what came of it as JSON. Each answer is
-- compared with the one that is right; those that differ are counted beside the errors.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function init(arguments)
  local file = assert(io.open(arguments[1]))
  wrk.body = file:read("*a")
  file:close()
  right = arguments[2]
  wrong = 0
end

local all = {}

function setup(thread)
  table.insert(all, thread)
end

function response(status, headers, body)
  if not body:find(right, 1, true) then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local wrong = 0
  for _, thread in ipairs(all) do
    wrong = wrong + thread:get("wrong")
  end
  io.stderr:write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "max": %.6f, "errors": %d, "wrong": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6, latency.max / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, wrong))
end
