import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { systemClock } from '../src/platform/clock.ts'
import { startEngine } from '../test/support/engine.ts'
import { quantile } from '../test/support/load.ts'
import { built } from './bench-built.ts'
import type { Fact } from './bench-comparison.ts'
import { eventsOf } from './bench-events-calls.ts'
import type { BenchGround } from './bench-ground.ts'

const nowhere = 'drachtio://:none@127.0.0.1:1'
const perSecond = 20
const patienceMs = 30_000

/**
 * From the moment at which a router notes that a call has ended until its receipt has arrived at a
 * URL: journal, stream, worker and push, each in its own process as in production, with little to do.
 */
export async function benchDelay(ground: BenchGround, calls: number): Promise<Fact[]> {
  const env = { LOG_LEVEL: 'info', RECEIPT_PRIVATE_HOSTS: 'true' }
  await emptyStream(ground.redisUrl)
  const servers = { ...ground, drachtioUrl: nowhere, freeswitchUrls: nowhere }
  const engine = await startEngine(servers, { name: 'events', roles: 'api,worker', env })
  const receiver = await startReceiver()
  try {
    const url = `http://127.0.0.1:${receiver.port}/`
    await engine.api.call('PUT', '/v1/receipts/pushes/SecretReport', { url })
    const delays = await measureDelays(ground, { calls, arrived: receiver.arrived })
    return [
      { name: 'hang-up to push received, median', unit: 'ms', value: quantile(delays, 0.5) },
      { name: 'hang-up to push received, p99', unit: 'ms', value: quantile(delays, 0.99) },
    ]
  } finally {
    receiver.close()
    await engine.stop()
  }
}

/** What was measured before is not to be waited for. */
async function emptyStream(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl.replace(/^unix:\/\//, ''))
  await redis.del('axb:events')
  redis.disconnect()
}

/** When each receipt came first, by its id. */
async function startReceiver() {
  const arrived = new Map<string, number>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const at = performance.now()
      const receipts = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { id: string }[]
      for (const { id } of receipts) if (!arrived.has(id)) arrived.set(id, at)
      response.setHeader('content-type', 'application/json').end('{"code":0}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { arrived, port: (server.address() as AddressInfo).port, close }
}

async function measureDelays(
  { redisUrl, dataDir }: BenchGround,
  { calls, arrived }: { calls: number; arrived: ReadonlyMap<string, number> },
): Promise<number[]> {
  const log = (await built.logger()).createLogger({ level: 'silent' })
  const redis = (await built.redis()).createRedis({ url: redisUrl, log, name: 'bench-delay' })
  const { createVault, readVaultKeys } = await built.vault()
  const vault = createVault(await readVaultKeys(join(dataDir, 'engine', 'number-keys')))
  const { createCallJournal } = await built.callJournal()
  const dir = join(dataDir, 'delay-journal')
  const journal = createCallJournal({ dir, redis, vault, clock: systemClock, log })
  await journal.start()
  const appended = new Map<string, number>()
  try {
    for (const event of eventsOf(calls, { up: 20, from: 0 })) {
      journal.append(event)
      if (event.type !== 'end') continue
      appended.set(event.id, performance.now())
      await setTimeout(1000 / perSecond)
    }
    const until = performance.now() + patienceMs
    while (arrived.size < appended.size && performance.now() < until) await setTimeout(50)
  } finally {
    await journal.close()
    redis.disconnect()
  }
  return [...appended].map(([id, from]) => (arrived.get(id) ?? Number.POSITIVE_INFINITY) - from)
}
