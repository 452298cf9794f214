import { type Engine, startEngine } from '../test/support/engine.ts'
import { type Comparison, compare } from './bench-comparison.ts'
import { type BenchGround, startBenchGround } from './bench-ground.ts'
import { xAt } from './bench-people.ts'
import { type Helper, startHelper } from './bench-process.ts'
import type { RpcSetup, RpcTask } from './bench-rpc-client.ts'

export type RpcShape = {
  readonly rounds: number
  /** Requests of one round, of each kind. */
  readonly count: number
  say(text: string): void
}

const inFlight = 64
const numbers = 10_000
const nowhere = 'drachtio://:none@127.0.0.1:1'

/**
 * Signed requests to the vendor's API against the same use cases through /v1: in turn, on the same
 * process, Postgres and Redis. The key may not reveal: an answer with numbers in full is noted in
 * the audit log, which is another use case of /v1.
 */
export async function benchRpc(shape: RpcShape): Promise<Comparison[]> {
  const ground = await startBenchGround()
  try {
    const env = { LOG_LEVEL: 'info', HTTP_REQUESTS_PER_MINUTE_MAX: '1000000000' }
    const servers = { ...ground, drachtioUrl: nowhere, freeswitchUrls: nowhere }
    const worker = await startEngine(servers, { name: 'worker', roles: 'worker', env })
    const api = await startEngine(servers, { name: 'api', roles: 'api', env })
    try {
      return await takeTurns(await setUp(api), shape)
    } finally {
      await api.stop()
      await worker.stop()
    }
  } finally {
    await (ground satisfies BenchGround).stop()
  }
}

async function setUp({ api }: Engine): Promise<RpcSetup> {
  const { key: poolKey } = await api.createPool({ name: 'bench', product: 'AXB' })
  await api.addNumbers(
    poolKey,
    Array.from({ length: numbers }, (_, at) => xAt(at)),
  )
  const grant = { name: 'bench', scopes: ['read', 'bind'] }
  const { token } = await api.call<{ token: string }>('POST', '/v1/tokens', grant)
  const key = await api.call<{ id: string; secret: string }>('POST', '/v1/access-keys', grant)
  return { port: Number(new URL(api.base).port), token, key, poolKey, inFlight }
}

async function takeTurns(setup: RpcSetup, shape: RpcShape): Promise<Comparison[]> {
  const client: Helper<RpcTask, number> = startHelper('./bench-rpc-client.ts', setup)
  const rates = {
    bind: { ours: [] as number[], bare: [] as number[] },
    query: { ours: [] as number[], bare: [] as number[] },
  }
  const { count } = shape
  let from = 0
  async function oneWay(via: RpcTask['via']) {
    const bind = await client.do({ via, do: 'bind', from, count })
    from += count
    return { bind, query: await client.do({ via, do: 'query', count }) }
  }
  try {
    // The first round warms both sides up.
    for (let round = 0; round <= shape.rounds; round++) {
      const [bare, ours] = [await oneWay('v1'), await oneWay('rpc')]
      if (round === 0) continue
      for (const what of ['bind', 'query'] as const) {
        rates[what].bare.push(bare[what])
        rates[what].ours.push(ours[what])
      }
      shape.say(
        `round ${round} of ${shape.rounds}: per second /v1 ${bare.bind.toFixed(0)} binds, ${bare.query.toFixed(0)} queries; rpc ${ours.bind.toFixed(0)} and ${ours.query.toFixed(0)}`,
      )
    }
  } finally {
    await client.stop()
  }
  const goal = { least: 0.85 }
  return [
    compare({ name: 'BindAxb, against /v1', unit: 'per second', ...rates.bind, goal }),
    compare({ name: 'QuerySubscriptionDetail', unit: 'per second', ...rates.query, goal }),
  ]
}
