-- Who takes requests: what it has in hand, how fast it may ask, and the random numbers it brought.
--
-- Its arguments, from the i-th on: how many requests of one host it may have in hand (empty: any
-- number), how many hosts it has in hand, each with how many, how many jitters (one a request),
-- jitters, ceiling of each host that is not named, then host and ceiling of each that is.

local function read_taker(i)
  local per_host, ceilings, held, full = tonumber(ARGV[i]) or math.huge, {}, {}, 0
  local jitters = i + 2 + 2 * tonumber(ARGV[i + 1])
  local others = jitters + 1 + tonumber(ARGV[jitters])
  local taker = {}
  function taker.hold(host, count)
    held[host] = (held[host] or 0) + count
    if held[host] >= per_host and held[host] - count < per_host then
      full = full + 1
    end
  end
  function taker.is_full(host)
    return (held[host] or 0) >= per_host
  end
  function taker.count_full()
    return full
  end
  function taker.jitter()
    jitters = jitters + 1
    return tonumber(ARGV[jitters])
  end
  function taker.ceiling_of(host)
    return ceilings[host] or tonumber(ARGV[others])
  end
  for at = i + 2, jitters - 1, 2 do
    taker.hold(ARGV[at], tonumber(ARGV[at + 1]))
  end
  for at = others + 1, #ARGV, 2 do
    ceilings[ARGV[at]] = tonumber(ARGV[at + 1])
  end
  return taker
end
