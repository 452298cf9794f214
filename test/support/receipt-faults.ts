import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Api, CallRecord } from './api.ts'
import { type Engine, startEngine } from './engine.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from './ordinary-calls.ts'
import { freeTcpPort, until } from './ports.ts'
import { judgeReceipts, type Taken, type Verdict } from './receipt-verdict.ts'
import { type Runtime, startRuntime } from './runtime.ts'

export type FaultsResult = {
  /** What the callers have seen. */
  readonly attempted: number
  readonly connected: number
  /** Calls in the books. */
  readonly records: number
  /** Calls that came while neither Redis nor Postgres answered: refused, and told all the same. */
  readonly notLookedUp: readonly CallRecord[]
  readonly talked: number
  readonly push: Verdict
  readonly queue: Verdict
}

const types = ['SecretStartReport', 'SecretReport'] as const
const queueOf = (type: string) => `Alicom-Queue-main-${type}`
const env = { LOG_LEVEL: 'info', RECEIPT_PRIVATE_HOSTS: 'true' }
const awayMs = 2_000
/** A push that failed is tried again after a minute, and when that fails five minutes later. */
const deliveredMsMax = 480_000

type Parts = {
  readonly runtime: Runtime
  readonly api: Engine
  readonly engines: Map<'router' | 'worker', Engine>
  taker: Taker
  /** Everything that engines wrote that were killed. */
  readonly logs: string[]
}

/**
 * Ordinary calls at a steady rate, with push and queues for their starts and ends. One after the
 * other is killed and comes back: router, worker, Redis, Postgres, and whoever takes the receipts.
 */
export async function runReceiptFaults(shape: {
  callsPerSecond: number
  seconds: number
  say(text: string): void
}): Promise<FaultsResult> {
  const runtime = await startRuntime()
  const closers: (() => Promise<unknown>)[] = [() => runtime.stop()]
  try {
    const parts = await startParts(runtime, closers)
    const calls = await createOrdinaryCalls(engineOf(parts, 'api'), runtime, { size: 200 })
    return await measure(parts, calls, shape)
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

async function startParts(runtime: Runtime, closers: (() => Promise<unknown>)[]): Promise<Parts> {
  const api = await startEngine(runtime, { name: 'api', roles: 'api', env })
  closers.push(() => api.stop())
  const engines: Parts['engines'] = new Map()
  closers.push(() => Promise.all([...engines.values()].map((each) => each.stop())))
  for (const role of ['router', 'worker'] as const) {
    engines.set(role, await startEngine(runtime, { name: role, roles: role, env }))
  }
  const dir = await mkdtemp(join(tmpdir(), 'axbridge-taker-'))
  closers.push(() => rm(dir, { recursive: true, force: true }))
  const taker = await createTaker(api.api, join(dir, 'taken'))
  closers.push(() => taker.kill())
  return { runtime, api, engines, taker, logs: [] }
}

const engineOf = (parts: Parts, role: 'api' | 'router' | 'worker'): Engine => {
  const engine = role === 'api' ? parts.api : parts.engines.get(role)
  if (engine === undefined) throw new Error(`no ${role} runs`)
  return engine
}

type Taker = {
  kill(): Promise<void>
  start(): Promise<void>
  /** In the order in which they came. */
  taken(): Promise<readonly Taken[]>
}

/** Somebody who wants starts and ends, both ways. */
async function createTaker(api: Api, file: string): Promise<Taker> {
  const port = await freeTcpPort()
  const scopes = ['read', 'reveal']
  const key = await api.call<{ id: string; secret: string }>('POST', '/v1/access-keys', {
    name: 'taker',
    scopes,
  })
  for (const type of types) {
    await api.call('POST', '/v1/receipts/queues', { type })
    await api.call('PUT', `/v1/receipts/pushes/${type}`, { url: `http://127.0.0.1:${port}/` })
  }
  const queues = { starts: queueOf(types[0]), ends: queueOf(types[1]) }
  const setup = JSON.stringify({ file, port, api: api.base, key, queues })
  const program = fileURLToPath(new URL('./receipt-taker.ts', import.meta.url))
  let child: ChildProcess | undefined
  const taker: Taker = {
    async start() {
      child = spawn(process.execPath, ['--import', 'tsx', program, setup], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    },
    async kill() {
      if (child === undefined) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      child = undefined
    },
    async taken() {
      const text = await readFile(file, 'utf8').catch(() => '')
      const whole = text.slice(0, text.lastIndexOf('\n') + 1).trim()
      return whole === '' ? [] : whole.split('\n').map((line) => JSON.parse(line) as Taken)
    },
  }
  await taker.start()
  return taker
}

/** Each dies as it would of itself, and is back a little later. */
const outages: readonly {
  readonly name: string
  outage(parts: Parts): Promise<void>
}[] = [
  { name: 'router', outage: (parts) => killEngine(parts, 'router') },
  { name: 'worker', outage: (parts) => killEngine(parts, 'worker') },
  { name: 'Redis', outage: ({ runtime }) => killServer(runtime, 'redis') },
  { name: 'Postgres', outage: ({ runtime }) => killServer(runtime, 'postgres') },
  {
    name: 'receiver',
    async outage({ taker }) {
      await taker.kill()
      await away()
      await taker.start()
    },
  },
]

const away = () => new Promise((resolve) => setTimeout(resolve, awayMs))

async function killEngine(parts: Parts, role: 'router' | 'worker'): Promise<void> {
  const engine = engineOf(parts, role)
  engine.signal('SIGKILL')
  await engine.exited
  parts.logs.push(engine.log())
  await away()
  parts.engines.set(role, await startEngine(parts.runtime, { name: role, roles: role, env }))
}

async function killServer({ embedded }: Runtime, part: 'redis' | 'postgres'): Promise<void> {
  await embedded.kill(part)
  await away()
  await embedded.restart(part)
}

async function measure(
  parts: Parts,
  calls: OrdinaryCalls,
  shape: { callsPerSecond: number; seconds: number; say(text: string): void },
): Promise<FaultsResult> {
  const { callsPerSecond, seconds, say } = shape
  const since = new Date()
  const kills = killInTurn(parts, shape)
  const seen = await calls.run({
    callsPerSecond,
    calls: callsPerSecond * seconds,
    holdSeconds: 2,
    patienceMs: 15_000,
  })
  await kills
  const records = await closedRecords(parts.api.api, since)
  const notLookedUp = records.filter((each) => each.bindingId === undefined)
  const reasons = [...new Set(notLookedUp.map((each) => each.releaseReason))].join(', ')
  say(
    `callers: ${seen.attempted} attempted, ${seen.connected} connected; ${records.length} records, ${notLookedUp.length} of them not looked up (${reasons})`,
  )
  const judge = async () => judgeReceipts(records, await parts.taker.taken(), calls.fleet.callers)
  let verdict = await judge()
  await until(
    'every receipt has arrived',
    async () => {
      verdict = await judge()
      return verdict.push.missing.length + verdict.queue.missing.length === 0
    },
    deliveredMsMax,
    1_000,
  ).catch(() => undefined)
  const talked = records.filter((each) => each.startTime !== undefined).length
  const { attempted, connected } = seen
  return { attempted, connected, records: records.length, talked, notLookedUp, ...verdict }
}

async function killInTurn(
  parts: Parts,
  { seconds, say }: { seconds: number; say(text: string): void },
): Promise<void> {
  const from = performance.now()
  const step = (seconds * 1000) / outages.length
  for (const [at, { name, outage }] of outages.entries()) {
    const due = from + (at + 0.3) * step - performance.now()
    await new Promise((resolve) => setTimeout(resolve, due))
    const killedAt = performance.now()
    await outage(parts)
    const ms = performance.now() - killedAt
    say(
      `${name}: killed at ${((killedAt - from) / 1000).toFixed(0)} s, back ${ms.toFixed(0)} ms later`,
    )
  }
}

/** All calls that began since then, once each of them has an end. */
async function closedRecords(api: Api, since: Date): Promise<readonly CallRecord[]> {
  let records: readonly CallRecord[] = []
  let before = -1
  await until(
    'every call that began has an end',
    async () => {
      const settled = before === records.length && records.length > 0
      before = records.length
      records = await api.callsSince(since).catch(() => [])
      return settled && records.every((each) => each.releaseTime !== undefined)
    },
    120_000,
    1_000,
  )
  return records
}
