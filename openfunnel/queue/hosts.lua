-- What is learnt about hosts; read after values.lua and host_state.lua, which names the keys.

local LATENCY_SHARE = 1 / 8 -- of a host's latency between requests: eight are on the way at a time
local FIRST_BACKOFF = 500000
local LONGEST_BACKOFF = 60 * 1000000
local FIRST_OPEN = 30 * 1000000

-- AutoThrottle's rule (docs.scrapy.org/en/latest/topics/autothrottle.html): half way towards what
-- the latency suggests, at once if that is slower; an answer that is no good never speeds up.
local function adapt(state, ceiling, latency, is_ok)
  local before = math.max(state.interval, ceiling)
  local target = latency * LATENCY_SHARE
  local after = math.max(target, (before + target) / 2)
  after = math.min(math.max(after, ceiling), math.max(ceiling, LONGEST_INTERVAL))
  if is_ok or after > before then
    state.interval = after
  end
end

-- How long to stay away: as the host asks, else exponential backoff with full jitter; the circuit's
-- open time doubles. Never for less than before.
local function block(state, outcome, retry_after, jitter)
  local stay = math.min(retry_after, LONGEST)
  local is_open = state.failures >= CIRCUIT_FAILURES and state.blocked > now
  if not is_open then -- else it is an answer to a request sent before, and tells nothing new
    if stay == 0 then
      stay = jitter * math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ^ state.failures)
    end
    if outcome == 'failed' or state.blocked <= now then -- all that one block refuses counts once
      state.failures, state.probe = state.failures + 1, 0
    end
    if state.failures >= CIRCUIT_FAILURES then
      stay = math.max(stay, FIRST_OPEN * 2 ^ (state.failures - CIRCUIT_FAILURES))
    end
  end
  state.blocked = math.max(state.blocked, now + math.min(stay, LONGEST))
end

-- host, outcome, latency (negative: unknown), retry after, jitter, ceiling of each report
function operations.report()
  for i = 3, #ARGV, 6 do
    local host, outcome, ceiling = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 5])
    local latency, retry_after, jitter =
      tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
    local state = read_host(host, ceiling)
    local is_ok = outcome == 'ok'
    if ceiling > 0 and latency >= 0 then
      adapt(state, ceiling, latency, is_ok)
    end
    if is_ok then
      state.failures, state.probe = 0, 0
    else
      block(state, outcome, retry_after, jitter)
    end
    write_host(host, 'failures', integer(state.failures), 'blocked', integer(state.blocked),
      'probe', integer(state.probe), 'interval', integer(state.interval))
  end
  return 0
end

-- host, crawl delay, how long it holds, ceiling
function operations.slow()
  read_host(ARGV[3], tonumber(ARGV[6])) -- clears away what is no hash
  write_host(ARGV[3], 'crawl_delay', ARGV[4], 'slow_until', integer(now + ARGV[5]))
  return 0
end

-- host, jitter, ceiling -> how long to wait; that place in line is then taken
function operations.reserve()
  local host, ceiling = ARGV[3], tonumber(ARGV[5])
  local state = read_host(host, ceiling)
  local start = opens_at(state, ceiling)
  advance(host, state, ceiling, start, tonumber(ARGV[4]))
  return integer(start - now)
end

-- ceiling of each host that is not named, then host and ceiling of each that is
-- -> host, interval, time blocked, circuit, failures of all
function operations.states()
  local ceilings, found = {}, {}
  for i = 4, #ARGV, 2 do
    ceilings[ARGV[i]] = tonumber(ARGV[i + 1])
  end
  for _, host in ipairs(redis.call('SMEMBERS', HOSTS)) do
    if redis.call('EXISTS', host_key(host)) == 1 then
      local ceiling = ceilings[host] or tonumber(ARGV[3])
      local state = read_host(host, ceiling)
      local circuit = 'closed'
      if state.failures >= CIRCUIT_FAILURES then
        circuit = is_half_open(state) and 'half_open' or 'open'
      end
      found[#found + 1] = { host, integer(host_interval(state, ceiling)),
        integer(math.max(state.blocked - now, 0)), circuit, integer(state.failures) }
    else
      redis.call('SREM', HOSTS, host)
    end
  end
  return found
end
