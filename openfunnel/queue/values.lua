-- What every script of this package begins with: the time, and numbers.
--
-- ARGV[1]  operation, a name of the table `operations`
-- ARGV[2]  time; empty means now (only tests set it)
-- ARGV[3]  the operation's arguments, as its comment says
--
-- Times are microseconds of Redis' own clock, integers that a double holds exactly until 2255.

local LARGEST_INTEGER = 2 ^ 53

local operations = {}

local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local function integer(value)
  return string.format('%.0f', value)
end

local function number(value)
  value = value and tonumber(value)
  -- Anything that is not an integer a double holds exactly was written by somebody else.
  if value and value > -LARGEST_INTEGER and value < LARGEST_INTEGER then
    return math.floor(value)
  end
  return 0
end
