import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Api, createApi } from '../test/support/api.ts'
import { createFleet, type Fleet } from '../test/support/fleet.ts'
import { type Ground, heldBy, startGround, type Usage, usageOf } from '../test/support/ground.ts'
import { type LoadCounts, type LoadResult, quantile, runLoad } from '../test/support/load.ts'
import { freeUdpPort, until } from '../test/support/ports.ts'
import { rounded, table } from '../test/support/table.ts'

const help = `scripts/load: calls at a steady rate through the engine

  --rate N         calls per second (10)
  --calls N        how many calls (600)
  --hold S         seconds of talk (10)
  --media          50 packets a second each way on both legs
  --ringback CODE  bindings with this ringback
  --recording      bindings that are recorded
  --json FILE      the report as JSON as well

On an engine that runs already:
  --api URL --token T   its HTTP interface
  --target host:port    where its SIP server takes calls
  --host ADDRESS        address of this machine, as the engine's side sees it (127.0.0.1)
  --process NAME=PID    a process whose CPU is measured; may be given several times
`

type Options = ReturnType<typeof readOptions>

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: 'string', default: '10' },
      calls: { type: 'string', default: '600' },
      hold: { type: 'string', default: '10' },
      media: { type: 'boolean', default: false },
      ringback: { type: 'string' },
      recording: { type: 'boolean', default: false },
      json: { type: 'string' },
      api: { type: 'string' },
      token: { type: 'string' },
      target: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      process: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    ...values,
    rate: positive('rate', values.rate),
    calls: positive('calls', values.calls),
    hold: positive('hold', values.hold),
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
  return value
}

/** Where the calls go: an engine of our own, or one that runs already. */
type Place = {
  readonly api: Api
  readonly target: string
  readonly processes: Readonly<Record<string, number>>
  readonly ground: Ground | undefined
}

const say = (text: string) => void process.stdout.write(`${text}\n`)

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options.help) {
    say(help)
    return 0
  }
  const place = await openPlace(options)
  try {
    return await loadOn(place, options)
  } finally {
    await place.ground?.stop()
  }
}

async function openPlace(options: Options): Promise<Place> {
  if (options.api === undefined) {
    say('starting servers and engine …')
    const ground = await startGround()
    const { host, port } = ground.runtime.sip
    const { processes } = ground
    return { api: ground.engine.api, target: `${host}:${port}`, processes, ground }
  }
  if (options.token === undefined || options.target === undefined) {
    throw new Error('--api needs --token and --target')
  }
  const processes = options.process.map((text) => {
    const [name = '', pid = ''] = text.split('=')
    return [name, positive('process', pid)] as const
  })
  return {
    api: createApi(options.api, options.token),
    target: options.target,
    processes: Object.fromEntries(processes),
    ground: undefined,
  }
}

const trunkId = 'load-callees'

async function loadOn(place: Place, options: Options): Promise<number> {
  const { api } = place
  const calleePort = await freeUdpPort(options.host)
  const size = Math.min(options.calls, Math.ceil(options.rate * (options.hold + 5) * 1.2))
  say(`making ${size} bindings …`)
  await api.createTrunk({
    id: trunkId,
    host: options.host,
    port: calleePort,
    addresses: [options.host],
    priority: 0,
    trustsIdentity: true,
  })
  const fleet = await createFleet(api, fleetOptions(size, options))
  try {
    return await measure(place, fleet, calleePort, options)
  } finally {
    await fleet.remove()
    await api.removeTrunk(trunkId)
  }
}

const fleetOptions = (size: number, options: Options) => ({
  size,
  ...(options.ringback === undefined ? {} : { ringback: options.ringback }),
  ...(options.recording ? { recording: true } : {}),
})

async function measure(
  place: Place,
  fleet: Fleet,
  calleePort: number,
  options: Options,
): Promise<number> {
  const shape = { target: place.target, callers: fleet.callers, host: options.host, calleePort }
  await until(
    'a first call gets through',
    async () => {
      const trial = { ...shape, callsPerSecond: 1, calls: 1, holdSeconds: 0.1, media: false }
      return (await runLoad(trial)).completed === 1
    },
    20_000,
    500,
  )
  const since = new Date()
  const before = await usageOf(place.processes)
  const heldBefore = place.ground === undefined ? {} : await heldBy(place.ground.runtime)
  const result = await runLoad({
    ...shape,
    callsPerSecond: options.rate,
    calls: options.calls,
    holdSeconds: options.hold,
    media: options.media,
    onSecond: (now) => say(liveLine(now)),
  })
  const after = await usageOf(place.processes)
  const records = await recordsOf(place.api, since, result)
  const held = place.ground === undefined ? {} : await settledHeld(place.ground, heldBefore)
  const report = { options, result, records, cpu: cpuTable(before, after, result), held }
  if (options.json !== undefined) {
    await writeFile(options.json, JSON.stringify(report, undefined, 2))
  }
  return printReport({ result, records, before, after, held, heldBefore })
}

function liveLine(now: LoadCounts): string {
  const refused = Object.values(now.refused).reduce((sum, each) => sum + each, 0)
  return `${String(now.seconds).padStart(5)} s  up ${now.up}  attempted ${now.attempted}  connected ${now.connected}  refused ${refused}  failed ${now.failed}`
}

type Records = {
  readonly records: number
  readonly withoutEnd: number
  readonly byReason: Readonly<Record<string, number>>
}

/** Records come over journal, stream and batches: they are waited for, then counted. */
async function recordsOf(api: Api, since: Date, result: LoadResult): Promise<Records> {
  let calls = await api.callsSince(since)
  await until(
    'all records are there',
    async () => {
      calls = await api.callsSince(since)
      return (
        calls.length >= result.attempted && calls.every((call) => call.releaseTime !== undefined)
      )
    },
    30_000,
    1000,
  ).catch(() => undefined)
  const byReason: Record<string, number> = {}
  for (const { releaseReason = 'none' } of calls) {
    byReason[releaseReason] = (byReason[releaseReason] ?? 0) + 1
  }
  const withoutEnd = calls.filter((call) => call.releaseTime === undefined).length
  return { records: calls.length, withoutEnd, byReason }
}

/** Dialogs and endpoints end with the call; SIP transactions are kept for 32 s (RFC 3261 timers). */
const heldMsMax = 45_000

async function settledHeld(ground: Ground, before: Readonly<Record<string, number>>) {
  let held = await heldBy(ground.runtime)
  await until(
    'nothing is held any more',
    async () => {
      held = await heldBy(ground.runtime)
      return leftOver(held, before).length === 0
    },
    heldMsMax,
    500,
  ).catch(() => undefined)
  return held
}

function leftOver(
  held: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(held)
    .filter(([name, count]) => count > (before[name] ?? 0))
    .map(([name, count]) => `${name}: ${count}, was ${before[name] ?? 0}`)
}

function cpuTable(before: Usage, after: Usage, result: LoadResult) {
  return Object.entries(after).map(([name, usage]) => {
    const spent = usage.cpuMs - (before[name]?.cpuMs ?? 0)
    return { name, cpuMs: spent, msPerCall: rounded(spent / Math.max(1, result.attempted), 2) }
  })
}

function printReport(seen: {
  readonly result: LoadResult
  readonly records: Records
  readonly before: Usage
  readonly after: Usage
  readonly held: Readonly<Record<string, number>>
  readonly heldBefore: Readonly<Record<string, number>>
}): number {
  const { result, records, before, after } = seen
  const delay = (share: number) => quantile(result.postDialMs, share)
  const left = leftOver(seen.held, seen.heldBefore)
  const refused = Object.entries(result.refused)
  const lost = result.attempted - result.completed
  say('')
  say(
    table([
      ['calls', ''],
      ['attempted', result.attempted],
      ['connected', result.connected],
      ['ended in order', result.completed],
      ...refused.map(([status, count]) => [`refused with ${status}`, count]),
      ['failed otherwise', result.failed],
      ['post-dial delay p50 ms', delay(0.5)],
      ['post-dial delay p95 ms', delay(0.95)],
      ['post-dial delay p99 ms', delay(0.99)],
      ['call records', records.records],
      ['records without end', records.withoutEnd],
      ...Object.entries(records.byReason).map(([reason, count]) => [`ended: ${reason}`, count]),
    ]),
  )
  say('')
  say(
    table([
      ['process', 'CPU ms', 'ms per call', 'open files before', 'after'],
      ...cpuTable(before, after, result).map(({ name, cpuMs, msPerCall }) => [
        name,
        cpuMs,
        msPerCall,
        before[name]?.files ?? 0,
        after[name]?.files ?? 0,
      ]),
    ]),
  )
  if (Object.keys(seen.held).length > 0) {
    const text = left.length === 0 ? 'nothing is held' : `still held: ${left.join('; ')}`
    say(`\nSIP and media stand-ins: ${text}`)
  }
  if (result.complaints !== '') say(`\nfirst complaints:\n${result.complaints.slice(0, 2000)}`)
  const recordFault = records.records !== result.attempted || records.withoutEnd > 0
  say(lost === 0 && !recordFault ? '\nno call was lost' : `\n${lost} calls were lost`)
  return lost === 0 && !recordFault && left.length === 0 ? 0 : 1
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (err: unknown) => {
    process.stderr.write(`error: ${err instanceof Error ? err.message : String(err)}\n`)
    process.exitCode = 1
  },
)
