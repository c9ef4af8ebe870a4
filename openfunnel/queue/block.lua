-- A host asked us to stay away: remember until when, never for less than before.
--
-- KEYS[1]  openfunnel:blocked:<host>  number: time until which nothing goes to that host
-- ARGV[1]  time; empty means now (only tests set it)
-- ARGV[2]  how long
--
-- Times are microseconds of Redis' own clock.

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local stay = math.max(now + ARGV[2], tonumber(redis.call('GET', KEYS[1]) or 0) or 0)
if stay > now then
  redis.call('SET', KEYS[1], string.format('%.0f', stay),
    'PX', string.format('%.0f', math.ceil((stay - now) / 1000)))
end
return 0
