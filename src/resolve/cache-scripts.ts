import { redisScript } from '../platform/redis.ts'

/**
 * Every value begins with its version: `<version>|…`; `route-record.ts` has the picture.
 */

/** KEYS: of one X. ARGV: version, then value and seconds for each key. Older never covers newer. */
export const writeScript = redisScript(`
local version = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local held = tonumber(string.match(redis.call('getrange', key, 0, 20), '^%d+'))
  if held == nil or held <= version then
    redis.call('set', key, ARGV[2 * i], 'ex', ARGV[2 * i + 1])
  end
end
return 1
`)

/** KEYS: of one X. ARGV: version, the value that says "forgotten", seconds. What is as new as the change stays. */
export const forgetScript = redisScript(`
local version = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local held = tonumber(string.match(redis.call('getrange', key, 0, 20), '^%d+'))
  if held == nil or held < version then
    redis.call('set', key, ARGV[2], 'ex', ARGV[3])
  end
end
return 1
`)

/**
 * KEYS: of one X. ARGV: claim, seconds. Marks what is empty or forgotten as being asked for. The
 * version of what was forgotten stays, and stays as long as it would have: it still fends off
 * older writes. The last claim wins.
 */
export const claimScript = redisScript(`
for i, key in ipairs(KEYS) do
  local held = redis.call('get', key)
  if not held then
    redis.call('set', key, '0|?' .. ARGV[1], 'ex', ARGV[2])
  else
    local version = string.match(held, '^(%d+)|%?')
    if version then
      redis.call('set', key, version .. '|?' .. ARGV[1], 'keepttl')
    end
  end
end
return 1
`)

/**
 * KEYS: of one X. ARGV: claim, version, then value and seconds for each key. Writes only where the
 * claim stands: a write, a newer claim or a flush since then has taken it away.
 */
export const fillScript = redisScript(`
local version = tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  local held, claim = string.match(redis.call('get', key) or '', '^(%d+)|%?(.*)$')
  if claim == ARGV[1] then
    local value = ARGV[2 * i + 1]
    if tonumber(held) > version then
      value = string.gsub(value, '^%d+', held, 1)
    end
    redis.call('set', key, value, 'ex', ARGV[2 * i + 2])
  end
end
return 1
`)

/** KEYS: the mark, the run that was replayed. ARGV: milliseconds. Their common hash tag keeps them on one node. */
export const markScript = redisScript(`
local run = string.match(redis.call('info', 'server'), 'run_id:(%w+)')
if redis.call('get', KEYS[2]) == run then
  redis.call('set', KEYS[1], ARGV[1])
end
return 1
`)
