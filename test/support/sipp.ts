import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freeTcpPort, freeUdpPort, isBound, until } from './ports.ts'

export type SippRun = {
  /** Path below `sip-scenarios/`, without `.xml`. */
  readonly scenario: string
  /** Where requests are addressed to; callees have none. */
  readonly target?: string
  /** Where packets really go, when a line of ours listens in between. */
  readonly through?: string
  readonly host?: string
  /** Without it SIPp gets a free one. */
  readonly port?: number
  readonly transport?: 'udp' | 'tcp'
  /** Values for the scenario's own keywords, such as `caller` and `dialled`. */
  readonly fields?: Readonly<Record<string, string | number>>
  readonly calls?: number
  readonly callsPerSecond?: number
  readonly msMax?: number
  /** Further arguments, for load runs. */
  readonly args?: readonly string[]
}

export type SippResult = { readonly passed: number; readonly failed: number }

export type SippProcess = {
  readonly pid: number
  readonly port: number
  /** Rejects with the tail of SIPp's error log when a call fails. */
  readonly done: Promise<SippResult>
  /** Every message that SIPp saw, as it wrote them down. Complete once `done` has settled. */
  messages(): Promise<string>
  stop(): Promise<void>
}

/** Run one SIPp process to its end. */
export async function sipp(run: SippRun): Promise<SippResult> {
  const process = await startSipp(run)
  try {
    return await process.done
  } finally {
    await process.stop()
  }
}

/** Start SIPp and wait until it holds its port, so that whoever calls it finds it there. */
export async function startSipp(run: SippRun): Promise<SippProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'sipp-'))
  const transport = run.transport ?? 'udp'
  const host = run.host ?? '127.0.0.1'
  const port = run.port ?? (await (transport === 'udp' ? freeUdpPort : freeTcpPort)(host))
  const msMax = run.msMax ?? 20_000
  const child = spawn('sipp', sippArguments(run, { dir, host, port, transport, msMax }), {
    stdio: 'ignore',
  })
  const done = outcome(child, { run, dir, msMax })
  done.catch(() => undefined)
  if (run.target === undefined || transport === 'udp') {
    await Promise.race([
      done.catch(() => undefined),
      until(`SIPp holds ${transport} port ${port}`, () => isBound(port, transport), 5000),
    ])
  }
  return {
    pid: child.pid ?? 0,
    port,
    done,
    messages: () => readFile(join(dir, 'messages.log'), 'utf8').catch(() => ''),
    async stop() {
      child.kill('SIGKILL')
      await done.catch(() => undefined)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

type Place = { dir: string; host: string; port: number; transport: 'udp' | 'tcp'; msMax: number }

function sippArguments(run: SippRun, place: Place): string[] {
  return [
    ...(run.target === undefined ? [] : [run.target]),
    ...(run.through === undefined ? [] : ['-rsa', run.through]),
    ...['-sf', `sip-scenarios/${run.scenario}.xml`, '-i', place.host, '-p', String(place.port)],
    ...['-t', place.transport === 'udp' ? 'u1' : 't1'],
    ...['-m', String(run.calls ?? 1), '-r', String(run.callsPerSecond ?? 10)],
    ...['-timeout', `${Math.ceil(place.msMax / 1000)}s`, '-timeout_error', '-nostdin'],
    ...['-trace_stat', '-stf', join(place.dir, 'stats.csv'), '-fd', '1'],
    ...['-trace_err', '-error_file', join(place.dir, 'errors.log')],
    ...['-trace_msg', '-message_file', join(place.dir, 'messages.log')],
    ...Object.entries(run.fields ?? {}).flatMap(([name, value]) => ['-key', name, String(value)]),
    ...(run.args ?? []),
  ]
}

async function outcome(
  child: ChildProcess,
  context: { run: SippRun; dir: string; msMax: number },
): Promise<SippResult> {
  const { run, dir, msMax } = context
  // SIPp's own limit counts from its first call and gives open calls some more time.
  const limit = setTimeout(() => child.kill('SIGKILL'), msMax + 5000)
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject).once('exit', (status, signal) => resolve(status ?? signal ?? ''))
  }).finally(() => clearTimeout(limit))
  if (code !== 0) {
    const tail = await readFile(join(dir, 'errors.log'), 'utf8').catch(() => '(no error log)')
    throw new Error(`sipp ${run.scenario} ended with ${code}\n${tail.slice(-2000)}`)
  }
  return readTotals(await readFile(join(dir, 'stats.csv'), 'utf8'))
}

function readTotals(csv: string): SippResult {
  const [header = '', ...rows] = csv.trim().split('\n')
  const names = header.split(';')
  const last = (rows.at(-1) ?? '').split(';')
  const total = (name: string) => Number(last[names.indexOf(name)] ?? 0)
  return { passed: total('SuccessfulCall(C)'), failed: total('FailedCall(C)') }
}
