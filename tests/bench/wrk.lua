-- What wrk sends, from the environment, and what came of it as one JSON line.
--	BENCH_BODY      a POST of this JSON; none: a GET
--	BENCH_SIGNATURE of that body (X-Inngest-Signature)
--	BENCH_TEMPLATE  a POST of this file, every "@ID@" a new id per request
local body = os.getenv("BENCH_BODY")
local template = os.getenv("BENCH_TEMPLATE")

if body or template then
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   wrk.body = body
   wrk.headers["X-Inngest-Signature"] = os.getenv("BENCH_SIGNATURE")
end

local threads = 0
function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

if template then
   local file = assert(io.open(template))
   local before, after = file:read("*a"):match("^(.-)@ID@(.*)$")
   local stamp, n = os.getenv("BENCH_STAMP"), 0
   file:close()
   request = function()
      n = n + 1
      return wrk.format(nil, nil, nil,
         before .. "wf-" .. stamp .. "-" .. number .. "-" .. n .. after)
   end
end

function done(summary, latency)
   local e = summary.errors
   print(string.format(
      '{"requests":%d,"seconds":%.6f,"failed":%d,"p50Ms":%.4f,"p99Ms":%.4f}',
      summary.requests, summary.duration / 1e6,
      e.connect + e.read + e.write + e.status + e.timeout,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
