-- The shared rate to one host: the generic cell rate algorithm, and a time before which nothing goes.
--
-- KEYS[1]  openfunnel:rate:<host>     number: time the next request is due if they come evenly
-- KEYS[2]  openfunnel:blocked:<host>  number: time until which the host asked us to stay away
-- ARGV[1]  time; empty means now (only tests set it)
-- ARGV[2]  interval between requests; 0: as many as one likes
-- ARGV[3]  requests that may go at once after a pause
--
-- Times are microseconds of Redis' own clock. Both keys expire when they no longer matter.
-- Answers how many microseconds to wait; that place in line is then taken.

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local interval, burst = tonumber(ARGV[2]), tonumber(ARGV[3])

local open = math.max(now, tonumber(redis.call('GET', KEYS[2]) or 0) or 0)
if interval == 0 then
  return open - now
end

local due = math.max(open, tonumber(redis.call('GET', KEYS[1]) or 0) or 0)
local start = math.max(open, due - interval * (burst - 1))
local after = due + interval
redis.call('SET', KEYS[1], string.format('%.0f', after),
  'PX', string.format('%.0f', math.ceil((after - now) / 1000)))
return start - now
