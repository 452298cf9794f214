import { type Engine, startEngine } from '../test/support/engine.ts'
import type { BareSetup } from './bench-bindings-bare.ts'
import type { ClientSetup, WriteTask } from './bench-bindings-client.ts'
import { type Comparison, compare } from './bench-comparison.ts'
import type { BenchGround } from './bench-ground.ts'
import { xAt } from './bench-people.ts'
import { type Helper, startHelper } from './bench-process.ts'

export type WritesShape = {
  readonly rounds: number
  /** Bindings of one round. */
  readonly count: number
  readonly numbers: number
  say(text: string): void
}

const inFlight = 64
/** As the engine's pool, which is ten unless told. */
const connections = 10
/** The engine must not be told to slow down. */
const env = { LOG_LEVEL: 'info', HTTP_REQUESTS_PER_MINUTE_MAX: '1000000000' }

/**
 * Binds and unbinds through the API, without X, so that one is chosen, against the least that has
 * to be written: in turn, on the same Postgres, with as many under way. The engine runs as in
 * production, the API in a process of its own.
 */
export async function benchWrites(ground: BenchGround, shape: WritesShape): Promise<Comparison[]> {
  const servers = { ...ground, drachtioUrl: nowhere, freeswitchUrls: nowhere }
  const worker = await startEngine(servers, { name: 'worker', roles: 'worker', env })
  try {
    const api = await startEngine(servers, { name: 'api', roles: 'api', env })
    try {
      return await compareWrites(ground, api, shape)
    } finally {
      await api.stop()
    }
  } finally {
    await worker.stop()
  }
}

const nowhere = 'drachtio://:none@127.0.0.1:1'

type Writer = Helper<WriteTask, number>

async function compareWrites(
  ground: BenchGround,
  { api }: Engine,
  shape: WritesShape,
): Promise<Comparison[]> {
  const { numbers } = shape
  const { key: poolKey } = await api.createPool({ name: 'bench', product: 'AXB' })
  await api.addNumbers(
    poolKey,
    Array.from({ length: numbers }, (_, at) => xAt(at)),
  )
  const { token } = await api.call<{ token: string }>('POST', '/v1/tokens', {
    name: 'bench',
    scopes: ['bind'],
  })
  const port = Number(new URL(api.base).port)
  const client: ClientSetup = { port, token, poolKey, inFlight }
  const least: BareSetup = { databaseUrl: ground.databaseUrl, numbers, connections, inFlight }
  const ours: Writer = startHelper('./bench-bindings-client.ts', client)
  const bare: Writer = startHelper('./bench-bindings-bare.ts', least)
  try {
    return await takeTurns(ours, bare, shape)
  } finally {
    await ours.stop()
    await bare.stop()
  }
}

async function takeTurns(ours: Writer, bare: Writer, shape: WritesShape): Promise<Comparison[]> {
  const rates = {
    bind: { ours: [] as number[], bare: [] as number[] },
    unbind: { ours: [] as number[], bare: [] as number[] },
  }
  // The first round warms both sides up, and tells Postgres how its tables look.
  for (let round = 0; round <= shape.rounds; round++) {
    const bind: WriteTask = { do: 'bind', from: round * shape.count, count: shape.count }
    const bareRates = { bind: await bare.do(bind), unbind: await bare.do({ do: 'unbind' }) }
    const ourRates = { bind: await ours.do(bind), unbind: await ours.do({ do: 'unbind' }) }
    if (round === 0) continue
    for (const what of ['bind', 'unbind'] as const) {
      rates[what].bare.push(bareRates[what])
      rates[what].ours.push(ourRates[what])
    }
    shape.say(
      `round ${round} of ${shape.rounds}: per second bare ${bareRates.bind.toFixed(0)} binds, ${bareRates.unbind.toFixed(0)} unbinds; ours ${ourRates.bind.toFixed(0)} and ${ourRates.unbind.toFixed(0)}`,
    )
  }
  const goal = { least: 0.5 }
  return [
    compare({ name: 'a bind', unit: 'per second', ...rates.bind, goal }),
    compare({ name: 'an unbind', unit: 'per second', ...rates.unbind, goal }),
  ]
}
