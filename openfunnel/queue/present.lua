-- Who is alive: the presences that have not expired; the index forgets the others.
--
-- KEYS[1]  openfunnel:present                set: the keys below, also expired ones
--          openfunnel:present:<role>:<name>  string with a time to live: the presence as JSON

local alive = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local presence = redis.pcall('GET', key)
  if type(presence) == 'string' then
    alive[#alive + 1] = presence
  else
    redis.call('SREM', KEYS[1], key)
  end
end
return alive
