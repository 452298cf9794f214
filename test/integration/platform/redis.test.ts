import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLogger } from '../../../src/platform/logger.ts'
import { createRedis, redisReady, redisScript, runScript } from '../../../src/platform/redis.ts'
import { until } from '../../support/data-rooms.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

let server: TestRedis

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

test('a script is sent once, and again to a Redis that has forgotten it', async () => {
  const redis = await server.client()
  const script = redisScript(`return redis.call('incrby', KEYS[1], ARGV[1])`)
  expect(await runScript(redis, script, ['n'], [2])).toBe(2)
  expect(await runScript(redis, script, ['n'], [3])).toBe(5)
  await redis.script('FLUSH')
  expect(await runScript(redis, script, ['n'], [4])).toBe(9)
  await expect(runScript(redis, redisScript('return nonsense('), [], [])).rejects.toThrow()
})

test('without a connection a command fails at once, and the client comes back by itself', async () => {
  const redis = await server.client()
  await server.kill()
  await until(() => redis.status !== 'ready')
  await expect(redis.get('x')).rejects.toThrow()
  await server.start()
  await redisReady(redis)
  expect(await redis.get('x')).toBeNull()
})

test('waiting for a Redis that is not there has an end', async () => {
  const redis = createRedis({
    url: 'unix:///nowhere.sock',
    log: createLogger({ level: 'silent' }),
    name: 't',
  })
  await expect(redisReady(redis, 50)).rejects.toThrow('not ready')
  redis.disconnect()
})
