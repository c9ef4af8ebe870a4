-- The lease queue: one atomic script, one operation a call.
--
-- Read after values.lua; frontier.lua may follow and add to the operations.
--
-- KEYS[1]  ready        sorted set   key -> priority * 2^42 + sequence number (lowest is taken first)
-- KEYS[2]  the prefix of all other keys:
--   delayed     sorted set   key -> time it becomes ready
--   lease       sorted set   key -> time the lease expires
--   dead        sorted set   key -> time from which it may be returned: while somebody stores its
--                            dead letter, nobody else is told of it
--   job:<key>   hash         payload, priority
--                            host        whom it asks; empty: nobody
--                            attempts    failures of the handler
--                            deaths      leases that expired
--                            token       fencing token of the latest lease
--                            taken       time of the latest lease
--                            again       1: pushed while leased or dead, runs once more after that
--                            reason      why it is dead
--                            last_error  of the handler
--   sequence    number       last sequence number given
--   token       number       last fencing token given
--
-- A key is in one of ready, delayed, lease and dead, or unknown; the hash follows the sets. A member
-- without a usable hash is forgotten when met: PostgreSQL knows what is to be done, not Redis.
--
-- A fencing token is a time, or the last one plus 1: it grows even if the keys are wiped.

local ready, prefix = KEYS[1], KEYS[2]
local delayed, lease, dead = prefix .. 'delayed', prefix .. 'lease', prefix .. 'dead'

local PRIORITY_STEP = 2 ^ 42
local HIGHEST_PRIORITY = 1000
local LONGEST_REDELIVERY = 60 * 1000000
local HIDDEN = 30 * 1000000
local DAY = 24 * 3600 * 1000000
local MOST_COUNTED = 1000000
local PAGE = 1000

local function hash(key)
  return prefix .. 'job:' .. key
end

local function counted(value)
  return math.max(0, math.min(number(value), MOST_COUNTED))
end

-- The job of a key, or nil if its hash is lost or is not one.
local function load(key)
  local fields = redis.pcall('HMGET', hash(key), 'payload', 'priority', 'host', 'attempts',
    'deaths')
  if fields.err or not fields[1] then
    return nil
  end
  return {
    payload = fields[1],
    priority = number(fields[2]),
    host = fields[3] or '',
    attempts = counted(fields[4]),
    deaths = counted(fields[5]),
  }
end

-- Makes a key ready; the frontier puts its own in place, which keeps ready keys by host as well.
local enlist = function(key, _, place)
  redis.call('ZADD', ready, place, key)
end

local function enqueue(key, job)
  local level = math.max(-HIGHEST_PRIORITY, math.min(job.priority, HIGHEST_PRIORITY))
  local sequence = number(redis.call('GET', prefix .. 'sequence')) + 1
  redis.call('SET', prefix .. 'sequence', integer(sequence))
  enlist(key, job.host, integer(level * PRIORITY_STEP + sequence))
end

local function enqueue_later(key, job, delay)
  redis.call('HDEL', hash(key), 'again')
  if delay > 0 then
    redis.call('ZADD', delayed, integer(now + delay), key)
  else
    enqueue(key, job)
  end
end

-- The four fields of a job as they are passed: key, payload, priority, host.
local function argument(i)
  return ARGV[i], { payload = ARGV[i + 1], priority = number(ARGV[i + 2]), host = ARGV[i + 3] }
end

local function write(key, job)
  redis.call('HSET', hash(key), 'payload', job.payload, 'priority', integer(job.priority),
    'host', job.host)
end

local function create(key, job, delay)
  redis.call('DEL', hash(key))
  write(key, job)
  enqueue_later(key, job, delay)
end

-- Add a job -> 1, or 0 where that changes nothing.
local function add(key, job, delay)
  if redis.call('ZSCORE', lease, key) or redis.call('ZSCORE', dead, key) then
    if not load(key) then
      redis.call('DEL', hash(key))
    end
    write(key, job)
    return redis.call('HSET', hash(key), 'again', 1)
  end
  if redis.call('ZSCORE', ready, key) or redis.call('ZSCORE', delayed, key) then
    return 0
  end
  create(key, job, delay)
  return 1
end

-- Forget a job that has ended, unless it was pushed once more meanwhile.
local function finish(key)
  local job = load(key)
  if job and redis.call('HGET', hash(key), 'again') then
    create(key, job, 0)
  else
    redis.call('DEL', hash(key))
  end
end

local function holds(key, token)
  if not redis.call('ZSCORE', lease, key) then
    return false
  end
  local held = redis.pcall('HGET', hash(key), 'token')
  return held == token
end

local function next_token()
  local last = number(redis.call('GET', prefix .. 'token'))
  if last > now + DAY then
    last = 0 -- no token of ours: going on from there would overtake all fences for good
  end
  local token = integer(math.max(last + 1, now))
  redis.call('SET', prefix .. 'token', token)
  return token
end

-- A new lease as it is answered: key, payload, priority, host, token, attempts, deaths.
local function grant(key, job, expiry)
  local token = next_token()
  redis.call('HSET', hash(key), 'token', token, 'taken', integer(now))
  redis.call('ZADD', lease, integer(expiry), key)
  return { key, job.payload, integer(job.priority), job.host, token, integer(job.attempts),
    integer(job.deaths) }
end

-- A dead job as it is answered: key, payload, priority, host, reason, last error, attempts, deaths.
local function obituary(key)
  local job = load(key)
  if not job then
    return nil
  end
  local words = redis.call('HMGET', hash(key), 'reason', 'last_error')
  return { key, job.payload, integer(job.priority), job.host, words[1] or '', words[2] or '',
    integer(job.attempts), integer(job.deaths) }
end

-- The job is dead; who is told so at once has `hidden` to store its dead letter.
local function give_up(key, reason, hidden)
  redis.call('HSET', hash(key), 'reason', reason)
  redis.call('ZADD', dead, integer(now + hidden), key)
  return obituary(key)
end

local function wake()
  local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', integer(now), 'LIMIT', 0, PAGE)
  for _, key in ipairs(due) do
    redis.call('ZREM', delayed, key)
    local job = load(key)
    if job then
      enqueue(key, job)
    else
      redis.call('DEL', hash(key))
    end
  end
  return #due
end

-- End the leases that have expired (a page), each of them a death of its worker.
local function bring_back(most, redelivery)
  local expired = redis.call('ZRANGEBYSCORE', lease, '-inf', integer(now), 'LIMIT', 0, PAGE)
  for _, key in ipairs(expired) do
    redis.call('ZREM', lease, key)
    local job = load(key)
    if job then
      local deaths = job.deaths + 1
      redis.call('HSET', hash(key), 'deaths', integer(deaths))
      if deaths >= most then
        give_up(key, 'its worker died ' .. integer(deaths) .. ' times', 0)
      else
        enqueue_later(key, job, math.min(redelivery * 2 ^ (deaths - 1), LONGEST_REDELIVERY))
      end
    else
      redis.call('DEL', hash(key))
    end
  end
  return #expired
end

-- delay, then key, payload, priority, host of each job -> how many were added
function operations.push()
  local delay, added = tonumber(ARGV[3]), 0
  for i = 4, #ARGV, 4 do
    local key, job = argument(i)
    added = added + add(key, job, delay)
  end
  return added
end

-- limit, duration -> leases
function operations.take()
  local limit, expiry, leases = tonumber(ARGV[3]), now + ARGV[4], {}
  wake()
  while #leases < limit do
    local taken = redis.call('ZPOPMIN', ready, limit - #leases)
    if #taken == 0 then
      break
    end
    for i = 1, #taken, 2 do
      local job = load(taken[i])
      if job then
        leases[#leases + 1] = grant(taken[i], job, expiry)
      else
        redis.call('DEL', hash(taken[i]))
      end
    end
  end
  return leases
end

-- duration, then key, token of each lease -> indexes (from 0) of the leases no longer held
function operations.extend()
  local expiry, lost = integer(now + ARGV[3]), {}
  for i = 4, #ARGV, 2 do
    if holds(ARGV[i], ARGV[i + 1]) then
      redis.call('ZADD', lease, expiry, ARGV[i])
    else
      lost[#lost + 1] = (i - 4) / 2
    end
  end
  return lost
end

-- key, token of each lease -> indexes (from 0) of the leases no longer held
function operations.acknowledge()
  local lost = {}
  for i = 3, #ARGV, 2 do
    if holds(ARGV[i], ARGV[i + 1]) then
      redis.call('ZREM', lease, ARGV[i])
      finish(ARGV[i])
    else
      lost[#lost + 1] = (i - 3) / 2
    end
  end
  return lost
end

-- delay, then key, token of each lease -> indexes (from 0) of the leases no longer held
function operations.release()
  local delay, lost = tonumber(ARGV[3]), {}
  for i = 4, #ARGV, 2 do
    local key = ARGV[i]
    if holds(key, ARGV[i + 1]) then
      redis.call('ZREM', lease, key)
      local job = load(key)
      if job then
        enqueue_later(key, job, delay)
      else
        redis.call('DEL', hash(key))
      end
    else
      lost[#lost + 1] = (i - 4) / 2
    end
  end
  return lost
end

-- key, token, delay, error, most attempts -> a dead job, or nil
function operations.fail()
  local key, token, delay, most = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[7])
  if not holds(key, token) then
    return nil
  end
  redis.call('ZREM', lease, key)
  local job = load(key)
  if not job then
    return nil
  end
  local attempts = job.attempts + 1
  redis.call('HSET', hash(key), 'attempts', integer(attempts), 'last_error', ARGV[6])
  if attempts >= most then
    return give_up(key, 'failed ' .. integer(attempts) .. ' times', HIDDEN)
  end
  enqueue_later(key, job, delay)
  return nil
end

-- key, token, reason, error -> a dead job, or nil if the lease is no longer held
function operations.kill()
  local key, token = ARGV[3], ARGV[4]
  if not holds(key, token) then
    return nil
  end
  redis.call('ZREM', lease, key)
  local job = load(key)
  if not job then
    return nil
  end
  redis.call('HSET', hash(key), 'attempts', integer(job.attempts + 1), 'last_error', ARGV[6])
  return give_up(key, ARGV[5], HIDDEN)
end

-- most deaths, delay of the first redelivery -> how many leases had expired, how many delayed jobs
-- became ready (a page of each)
function operations.reap()
  local expired = bring_back(tonumber(ARGV[3]), tonumber(ARGV[4]))
  return { expired, wake() }
end

-- limit -> dead jobs that are not hidden, longest dead first; they are hidden from now on
function operations.dead()
  local jobs, limit = {}, math.max(tonumber(ARGV[3]), 0)
  -- Hidden for longer than we hide: junk, or the clock was set back.
  for _, range in ipairs({ { '-inf', integer(now) }, { '(' .. integer(now + HIDDEN), '+inf' } }) do
    local keys =
      redis.call('ZRANGEBYSCORE', dead, range[1], range[2], 'LIMIT', 0, limit - #jobs)
    for _, key in ipairs(keys) do
      local job = obituary(key)
      if job then
        redis.call('ZADD', dead, integer(now + HIDDEN), key)
        jobs[#jobs + 1] = job
      else
        redis.call('ZREM', dead, key)
        redis.call('DEL', hash(key))
      end
    end
  end
  return jobs
end

-- keys
function operations.bury()
  for i = 3, #ARGV do
    if redis.call('ZREM', dead, ARGV[i]) == 1 then
      finish(ARGV[i])
    end
  end
  return 0
end

-- -> ready, delayed, leased, dead, age of the lease taken first
function operations.depth()
  local oldest = now
  for _, key in ipairs(redis.call('ZRANGE', lease, 0, -1)) do
    local taken = redis.pcall('HGET', hash(key), 'taken')
    taken = type(taken) == 'string' and number(taken) or 0
    if taken > 0 then
      oldest = math.min(oldest, taken)
    end
  end
  return { redis.call('ZCARD', ready), redis.call('ZCARD', delayed), redis.call('ZCARD', lease),
    redis.call('ZCARD', dead), integer(now - oldest) }
end
