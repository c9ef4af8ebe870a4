-- How a host is doing and when it may be asked next: one truth for all sources and processes.
--
-- Keys, which expire a day after they were last written:
--   openfunnel:host:<host>  hash
--     due          time the next request is due if they come evenly
--                  (GCRA, the generic cell rate algorithm, with a burst of two)
--     blocked      time until which nothing goes there
--     failures     consecutive ones; from CIRCUIT_FAILURES on, the circuit is open while blocked
--                  and half open after that: one request at a time, to see whether it is well
--     probe        time until which that one request is waited for
--     interval     between requests, as the host's latency suggests
--     crawl_delay  between requests, as its robots.txt asks
--     slow_until   time until which crawl_delay holds
--   openfunnel:hosts        set of hosts that have such a hash, also of those that have expired
--
-- `ceiling` is always the shortest interval its operator allows; 0: as many as one likes.

local HOSTS = 'openfunnel:hosts'
local KEPT_MILLISECONDS = 24 * 3600 * 1000
local LONGEST = 600 * 1000000
local BURST = 2
local CIRCUIT_FAILURES = 10
local LONGEST_INTERVAL = 30 * 1000000 -- that a latency suggests
local PROBE_LOOK = 1000000

local function host_key(host)
  return 'openfunnel:host:' .. host
end

local function host_interval(state, ceiling)
  if ceiling == 0 then
    return state.crawl_delay
  end
  return math.max(ceiling, state.crawl_delay, state.interval)
end

-- A time further ahead than `farthest` is junk, or the clock was set back: it is cut for good, or it
-- would be as far ahead at the next look.
local function cut(host, field, value, farthest)
  value = number(value)
  if value > farthest then
    value = farthest
    redis.call('HSET', host_key(host), field, integer(value))
  end
  return value
end

-- It keeps nobody away for more than ten minutes, and the intervals that are due.
local function read_host(host, ceiling)
  local fields = redis.pcall('HMGET', host_key(host), 'due', 'blocked', 'failures', 'probe',
    'interval', 'crawl_delay', 'slow_until')
  if fields.err then
    redis.call('DEL', host_key(host))
    fields = {}
  end
  local state = {
    blocked = cut(host, 'blocked', fields[2], now + LONGEST),
    failures = math.max(number(fields[3]), 0),
    probe = cut(host, 'probe', fields[4], now + LONGEST),
    interval = math.min(math.max(number(fields[5]), 0), LONGEST_INTERVAL),
    crawl_delay = 0,
  }
  if number(fields[7]) > now then
    state.crawl_delay = math.min(math.max(number(fields[6]), 0), LONGEST)
  end
  local intervals = BURST * host_interval(state, ceiling)
  state.due = cut(host, 'due', fields[1], now + LONGEST + intervals)
  return state
end

local function write_host(host, ...)
  redis.call('HSET', host_key(host), ...)
  redis.call('PEXPIRE', host_key(host), KEPT_MILLISECONDS)
  redis.call('SADD', HOSTS, host)
end

local function is_half_open(state)
  return state.failures >= CIRCUIT_FAILURES and state.blocked <= now
end

-- The earliest time the host may be asked; it is worth looking at again then.
local function opens_at(state, ceiling)
  local at = math.max(now, state.blocked)
  if is_half_open(state) and state.probe > now then
    at = math.min(state.probe, now + PROBE_LOOK)
  end
  local interval = host_interval(state, ceiling)
  if interval > 0 then
    at = math.max(at, state.due - interval * (BURST - 1))
  end
  return at
end

-- Take a place in line that `opens_at` says is free at `start`; `jitter` is between 0 and 1.
local function advance(host, state, ceiling, start, jitter)
  local interval = host_interval(state, ceiling)
  if interval > 0 then
    state.due = math.max(state.due, start) + interval * (0.8 + 0.4 * jitter)
    write_host(host, 'due', integer(state.due))
  end
end
