-- Start entries others pushed, in whatever scrapy-redis may be told to keep them.
--
-- KEYS[3]  <source>:start_urls   a list, in on the left and out on the right; or a set; or a sorted
--                                set, highest first. Anything else is left alone: it holds up
--                                nothing but its entries

local start_urls = KEYS[3]

-- By the type of the start list: how its entries are counted, and how the next one is taken.
local START_COMMANDS = {
  list = { 'LLEN', 'RPOP' },
  set = { 'SCARD', 'SPOP' },
  zset = { 'ZCARD', 'ZPOPMAX' },
}

local function type_of(key)
  return redis.call('TYPE', key).ok
end

local function count_start_entries()
  local commands = START_COMMANDS[type_of(start_urls)]
  return commands and redis.call(commands[1], start_urls) or 0
end

-- The next start entry, or nil.
local function next_start_entry()
  local commands = START_COMMANDS[type_of(start_urls)]
  local entry = commands and redis.call(commands[2], start_urls)
  if type(entry) == 'table' then -- with its score
    entry = entry[1]
  end
  return entry
end

-- The type of a key that holds no entries; empty where all is well.
local function unreadable_type()
  local kind = type_of(start_urls)
  return kind ~= 'none' and not START_COMMANDS[kind] and kind or ''
end
