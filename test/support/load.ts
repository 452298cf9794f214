import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import g711 from 'alawmulaw'
import { freeUdpPort, isBound, until } from './ports.ts'

/** Many calls at a steady rate from one SIPp to another, through whatever listens at `target`. */
export type LoadRun = {
  readonly target: string
  readonly callers: readonly { readonly caller: string; readonly dialled: string }[]
  readonly callsPerSecond: number
  readonly calls: number
  readonly holdSeconds: number
  /** Both sides send and get 50 packets a second. */
  readonly media: boolean
  readonly host?: string
  readonly calleePort: number
  /** How long calls may take beyond their time before the run is cut off. */
  readonly patienceMs?: number
  onSecond?(now: LoadCounts): void
}

export type LoadCounts = {
  readonly seconds: number
  readonly attempted: number
  readonly connected: number
  /** Ended in order after having been connected. */
  readonly completed: number
  readonly refused: Readonly<Record<string, number>>
  /** Everything that did not go as the scenario says: no answer, an answer out of place. */
  readonly failed: number
  readonly up: number
}

export type LoadResult = LoadCounts & {
  /** From INVITE to the first sign of ringing. */
  readonly postDialMs: readonly number[]
  readonly complaints: string
}

/** Past every timer of RFC 3261, of both sides. */
const patienceMsDefault = 60_000

export async function runLoad(run: LoadRun): Promise<LoadResult> {
  const dir = await mkdtemp(join(tmpdir(), 'axbridge-load-'))
  const processes: ChildProcess[] = []
  try {
    await writeInputs(dir, run)
    processes.push(await startCallees(dir, run))
    const caller = await startCallers(dir, run)
    processes.push(caller)
    const watch = watchStats(join(dir, 'stats.csv'), run)
    const plannedMs = (run.calls / run.callsPerSecond + run.holdSeconds) * 1000
    await ended(caller, plannedMs + (run.patienceMs ?? patienceMsDefault))
    watch.stop()
    return {
      ...(await readCounts(join(dir, 'stats.csv'))),
      postDialMs: await readResponseTimes(dir),
      complaints: await readFile(join(dir, 'errors.log'), 'utf8').catch(() => ''),
    }
  } finally {
    for (const each of processes) each.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  }
}

async function writeInputs(dir: string, run: LoadRun): Promise<void> {
  const lines = run.callers.map(({ caller, dialled }) => `${caller};${dialled}`)
  await writeFile(join(dir, 'callers.csv'), `SEQUENTIAL\n${lines.join('\n')}\n`)
  await mkdir(join(dir, 'media'))
  const second = new Int16Array(8000).map((_, i) => 8000 * Math.sin((2 * Math.PI * 440 * i) / 8000))
  await writeFile(join(dir, 'media', 'voice.pcma'), g711.alaw.encode(second))
}

async function startCallees(dir: string, run: LoadRun): Promise<ChildProcess> {
  const child = spawnSipp(dir, 'load/uas', [
    ...['-i', run.host ?? '127.0.0.1', '-p', String(run.calleePort)],
    ...(run.media ? ['-rtp_echo'] : []),
    ...['-mp', String(await freeUdpPort())],
  ])
  await until('the callees are there', () => isBound(run.calleePort, 'udp'), 5000)
  return child
}

async function startCallers(dir: string, run: LoadRun): Promise<ChildProcess> {
  return spawnSipp(dir, run.media ? 'load/uac-media' : 'load/uac', [
    run.target,
    ...['-i', run.host ?? '127.0.0.1', '-p', String(await freeUdpPort())],
    ...['-inf', 'callers.csv', '-d', String(Math.round(run.holdSeconds * 1000))],
    ...['-m', String(run.calls), '-r', String(run.callsPerSecond), '-l', String(callsUpMax(run))],
    ...['-trace_stat', '-stf', 'stats.csv', '-fd', '1', '-trace_rtt', '-rtt_freq', '1'],
    ...['-trace_err', '-error_file', 'errors.log'],
  ])
}

/** SIPp wants a file for each; reached only when calls hang, and then it holds new ones back. */
const callsUpMax = (run: LoadRun) =>
  Math.min(run.calls, Math.ceil(run.callsPerSecond * (run.holdSeconds + 35)), 9000)

function spawnSipp(dir: string, scenario: string, args: readonly string[]): ChildProcess {
  const file = resolve('sip-scenarios', `${scenario}.xml`)
  const child = spawn('sipp', [...args, '-sf', file, '-nostdin'], { cwd: dir, stdio: 'ignore' })
  child.on('error', () => undefined)
  return child
}

async function ended(child: ChildProcess, msMax: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const limit = setTimeout(() => child.kill('SIGKILL'), msMax)
  await new Promise<void>((done) => child.once('exit', () => done()))
  clearTimeout(limit)
}

function watchStats(file: string, run: LoadRun): { stop(): void } {
  if (run.onSecond === undefined) return { stop: () => undefined }
  const timer = setInterval(() => {
    readCounts(file).then(
      (counts) => run.onSecond?.(counts),
      () => undefined,
    )
  }, 1000)
  return { stop: () => clearInterval(timer) }
}

async function readCounts(file: string): Promise<LoadCounts> {
  const [header = '', ...rows] = (await readFile(file, 'utf8')).trim().split('\n')
  const names = header.split(';')
  const last = (rows.at(-1) ?? '').split(';')
  const total = (name: string) => Number(last[names.indexOf(name)] ?? 0)
  const refused: Record<string, number> = {}
  for (const name of names) {
    const status = /^refused-(\d{3})\(C\)$/.exec(name)?.[1]
    if (status !== undefined && total(name) > 0) refused[status] = total(name)
  }
  const [hours = 0, minutes = 0, seconds = 0] = (last[names.indexOf('ElapsedTime(C)')] ?? '')
    .split(':')
    .map(Number)
  return {
    seconds: hours * 3600 + minutes * 60 + seconds,
    attempted: total('attempted(C)'),
    connected: total('connected(C)'),
    completed: total('completed(C)'),
    refused,
    failed: total('FailedCall(C)'),
    up: total('CurrentCall'),
  }
}

async function readResponseTimes(dir: string): Promise<number[]> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('_rtt.csv'))
  const texts = await Promise.all(files.map((name) => readFile(join(dir, name), 'utf8')))
  return texts
    .flatMap((text) => text.trim().split('\n').slice(1))
    .map((line) => Number(line.split(';')[1]))
    .filter((ms) => Number.isFinite(ms))
}

/** The value below which this share of the values lies; 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
