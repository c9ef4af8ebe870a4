-- The crawl frontier: the lease queue of leases.lua, whose jobs are taken as their hosts allow.
-- Read after values.lua, leases.lua, host_state.lua, start_urls.lua and taker.lua.
--
-- KEYS[1]  <source>:requests     ready; scrapy-redis' own name. What somebody else puts there is
--                                adopted as an unread start entry
-- KEYS[2]  <source>:requests:    prefix of the keys of leases.lua, and of
--   host:<host>  sorted set      ready keys of one host, same scores as in ready
--   hosts        sorted set      host -> time it is worth looking at again
--   entries      sorted set      ready keys of unread start entries: jobs without a host
--   listed       number          ready keys that are in `entries` or a `host:<host>`
-- KEYS[3]  <source>:start_urls   start entries (start_urls.lua)
-- KEYS[4]  <source>:dupefilter   set of fingerprints of requests seen
--
-- An unread entry is known by the key `entry:<token>`.

local dupefilter = KEYS[4]
local hosts, entries = prefix .. 'hosts', prefix .. 'entries'
local listed = prefix .. 'listed'

local UNKNOWN = -2 ^ 40 -- of `listed`: below any count, whatever is added to it

-- A script that fails half way is not undone: keys of a wrong type must show before the first write.
for command, keys in pairs({
  ZCARD = { ready, delayed, lease, dead, hosts, entries },
  GET = { listed, prefix .. 'sequence', prefix .. 'token' },
  SCARD = { dupefilter, HOSTS },
}) do
  for _, key in ipairs(keys) do
    redis.call(command, key)
  end
end

local function count_listed(change)
  redis.call('SET', listed, integer(number(redis.call('GET', listed)) + change))
end

-- The keys do not agree: somebody else had a hand in them, and the next take looks through all.
local function doubt()
  redis.call('SET', listed, integer(UNKNOWN))
end

-- The ready keys of a host; of nobody: the unread entries.
local function line(host)
  if host == '' then
    return entries
  end
  local key = prefix .. 'host:' .. host
  local kind = type_of(key)
  if kind ~= 'zset' and kind ~= 'none' then
    redis.call('DEL', key)
    doubt()
  end
  return key
end

local function list(key, host, place)
  if redis.call('ZADD', line(host), place, key) == 1 then
    count_listed(1)
  end
  if host ~= '' then
    redis.call('ZADD', hosts, 'NX', integer(now), host)
  end
end

enlist = function(key, host, place)
  redis.call('ZADD', ready, place, key)
  list(key, host, place)
end

local function is_known(key)
  for _, set in ipairs({ ready, delayed, lease, dead }) do
    if redis.call('ZSCORE', set, key) then
      return true
    end
  end
  return false
end

-- A member of ready that is no job of ours becomes an unread entry.
local function adopt(member)
  redis.call('ZREM', ready, member)
  redis.call('DEL', hash(member))
  create('entry:' .. next_token(), { payload = member, priority = 0, host = '' }, 0)
end

-- The first job of a line, no longer ready; nil once the line is empty.
local function shift(host)
  while true do
    local first = redis.call('ZPOPMIN', line(host))
    if #first == 0 then
      return nil
    end
    local key = first[1]
    local job = load(key)
    if redis.call('ZSCORE', ready, key) then
      count_listed(-1)
      if job and job.host == host then
        redis.call('ZREM', ready, key)
        return key, job
      elseif job then
        list(key, job.host, redis.call('ZSCORE', ready, key))
      else
        adopt(key)
      end
    else
      doubt()
      if not is_known(key) then
        redis.call('DEL', hash(key))
      end
    end
  end
end

-- List the ready keys that are not listed, if there are any: somebody else wrote to the ready set,
-- or took from ours. That takes some 6 ms for every 1,000 that are ready; it adopts no more than a
-- page, and leaves the rest to the takes after this one.
local function look_through()
  local total = redis.call('ZCARD', ready)
  local has_hosts = redis.call('ZCARD', hosts) > 0
  if number(redis.call('GET', listed)) == total
    and (has_hosts or redis.call('ZCARD', entries) == total) then
    return
  end
  local from, adopted, page = 0, 0, nil
  repeat
    page = redis.call('ZRANGE', ready, from, from + PAGE - 1, 'WITHSCORES')
    for i = 1, #page, 2 do
      local job = load(page[i])
      if job then
        list(page[i], job.host, page[i + 1])
        from = from + 1
      else
        if adopted == PAGE then
          return doubt()
        end
        adopt(page[i]) -- whatever stood behind it has moved up
        adopted = adopted + 1
      end
    end
  until #page == 0
  redis.call('SET', listed, redis.call('ZCARD', ready))
end

local function take_entries(leases, limit, expiry)
  while #leases < limit do
    local key, job = shift('')
    if not key then
      local entry = next_start_entry()
      if not entry then
        return
      end
      key = 'entry:' .. next_token()
      job = { payload = entry, priority = 0, host = '', attempts = 0, deaths = 0 }
      write(key, job)
    end
    leases[#leases + 1] = grant(key, job, expiry)
  end
end

-- Hosts that are worth a look. One that is put off for longer than a host may be is so by mistake.
local function hosts_due(most)
  local due = redis.call('ZRANGEBYSCORE', hosts, '-inf', integer(now), 'LIMIT', 0, most)
  local farthest = integer(now + LONGEST)
  for _, host in
    ipairs(redis.call('ZRANGEBYSCORE', hosts, '(' .. farthest, '+inf', 'LIMIT', 0, most - #due))
  do
    due[#due + 1] = host
  end
  return due
end

-- Up to `limit` requests, from one host after the other as long as they allow; the hosts that were
-- asked go to the end of the line. A host the taker has its hands full of keeps its place.
local function take_requests(leases, limit, expiry, taker)
  local touched, had_one = {}, {}
  -- Some may turn out to be closed by now.
  local turn = hosts_due(2 * (limit - #leases) + 50 + taker.count_full())
  while #turn > 0 and #leases < limit do
    local next_turn = {}
    for _, host in ipairs(turn) do
      if #leases == limit then
        break
      end
      local ceiling = taker.ceiling_of(host)
      local is_open = false
      if not taker.is_full(host) then
        touched[host] = touched[host] or read_host(host, ceiling)
        is_open = opens_at(touched[host], ceiling) <= now
      end
      if is_open then
        local state = touched[host]
        local key, job = shift(host)
        if key then
          if is_half_open(state) then
            state.probe = expiry
            write_host(host, 'probe', integer(expiry))
          end
          advance(host, state, ceiling, now, taker.jitter())
          leases[#leases + 1] = grant(key, job, expiry)
          taker.hold(host, 1)
          next_turn[#next_turn + 1] = host
        elseif not had_one[host] then
          doubt()
        end
        had_one[host] = true
      end
    end
    turn = next_turn
  end
  for host, state in pairs(touched) do
    if redis.call('EXISTS', line(host)) == 1 then
      redis.call('ZADD', hosts, integer(opens_at(state, taker.ceiling_of(host))), host)
    else
      redis.call('ZREM', hosts, host)
    end
  end
end

-- How long until something may be ready for the taker; empty: nothing is known that will be.
local function wait(unread, taker)
  if unread > 0 and redis.call('ZCARD', entries) + count_start_entries() > 0 then
    return '0'
  end
  local soonest = {}
  for _, set in ipairs({ delayed, lease }) do
    soonest[#soonest + 1] = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
  end
  local next_hosts = redis.call('ZRANGE', hosts, 0, taker.count_full(), 'WITHSCORES')
  for i = 1, #next_hosts, 2 do
    if not taker.is_full(next_hosts[i]) then
      soonest[#soonest + 1] = next_hosts[i + 1]
      break
    end
  end
  if #soonest == 0 then
    return ''
  end
  local at = now + LONGEST -- scores others wrote may be infinite
  for _, score in ipairs(soonest) do
    at = math.min(at, tonumber(score))
  end
  return integer(math.max(at - now, 0))
end

-- delay, then key, payload, priority, host, fingerprint of each job -> how many were added
function operations.push()
  local delay, added = tonumber(ARGV[3]), 0
  for i = 4, #ARGV, 5 do
    local key, job = argument(i)
    local fingerprint = ARGV[i + 4]
    if fingerprint == '' or redis.call('SADD', dupefilter, fingerprint) == 1 then
      added = added + add(key, job, delay)
    end
  end
  return added
end

-- limit of requests, limit of entries, duration, most deaths, delay of the first redelivery, then the
-- taker -> leases, how long until something may be ready, type of a start list nobody can read
function operations.take_allowed()
  local requests, unread, expiry = tonumber(ARGV[3]), tonumber(ARGV[4]), now + ARGV[5]
  local leases, taker = {}, read_taker(8)
  bring_back(tonumber(ARGV[6]), tonumber(ARGV[7]))
  wake()
  look_through()
  take_entries(leases, unread, expiry)
  take_requests(leases, #leases + requests, expiry, taker)
  return { leases, wait(unread, taker), unreadable_type() }
end

-- -> start entries nobody has taken, jobs ready, delayed or leased
function operations.waiting()
  local unfinished = 0
  for _, set in ipairs({ ready, delayed, lease }) do
    unfinished = unfinished + redis.call('ZCARD', set)
  end
  return { count_start_entries(), unfinished }
end

-- delay, then key, token, and key, payload, priority, host of the job in its place, of each lease
-- -> indexes (from 0) of the leases no longer held
function operations.exchange()
  local delay, lost = tonumber(ARGV[3]), {}
  for i = 4, #ARGV, 6 do
    local key, successor, job = ARGV[i], argument(i + 2)
    if not holds(key, ARGV[i + 1]) then
      lost[#lost + 1] = (i - 4) / 6
    else
      redis.call('ZREM', lease, key)
      if successor == key then
        -- The payload pushed last counts: one pushed while it was leased is newer than `job`.
        local newer = redis.call('HGET', hash(key), 'again') and load(key)
        if not newer then
          write(key, job)
        end
        enqueue_later(key, newer or job, delay)
      else
        finish(key)
        add(successor, job, delay)
      end
    end
  end
  return lost
end
