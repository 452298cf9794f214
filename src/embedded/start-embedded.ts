import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { claimPort } from './free-port.ts'
import { exitText, Part, type PartName, type PartProgram } from './part.ts'
import { createPostgres, postgresUrl } from './postgres.ts'
import { createRedisServer, redisUrl } from './redis.ts'
import { type RunFolder, takeRunFolder } from './run-folder.ts'
import { adoptFiles, openDataFolder, type ServiceAccount } from './service-account.ts'
import { openSocketFolder } from './socket-folder.ts'
import { createMediaStandIn, createSipStandIn } from './stand-in.ts'

export type EmbeddedOptions = {
  /** Everything that is kept between starts. One runtime at a time may hold it. */
  readonly dataDir: string
  /** The parts to start; those that run elsewhere are left out. */
  readonly start: Readonly<Record<PartName, boolean>>
  /** Address of the SIP and media stand-ins, for SIP and RTP. Default 127.0.0.1. */
  readonly host?: string
  /** Ports; 0 or undefined means any free one. Where carriers and phones send SIP: */
  readonly sipPort?: number
  /** where the engine sends the media part SIP: */
  readonly mediaPort?: number
  /** where the engine connects to the SIP part: */
  readonly clientPort?: number
  /** and to the media part's event socket. */
  readonly eslPort?: number
  readonly rtpPortMin?: number
  readonly rtpPortMax?: number
  /** False: no waiting for the disk, for tests. Default true. */
  readonly durable?: boolean
  /** Start a part again when it dies. Default false. */
  readonly restart?: boolean
  /** A part died though nobody asked for it. */
  onExit?(part: PartName, how: string): void
  readonly log?: EmbeddedLog
}

type EmbeddedLog = {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

/** An address is undefined when the part was not started. */
export type Embedded = {
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
  readonly drachtioUrl: string | undefined
  readonly freeswitchUrls: string | undefined
  /** `host:port` where carriers and phones send their SIP. */
  readonly sipAddress: string | undefined
  pids(): Readonly<Partial<Record<PartName, number>>>
  /** As a crash would: by default with SIGKILL. Resolves when the process is gone. */
  kill(part: PartName, signal?: NodeJS.Signals): Promise<void>
  /** What a stand-in holds now: dialogs, transactions, channels, ports. To see that nothing leaks. */
  counts(part: 'sip' | 'media'): Promise<Readonly<Record<string, number>>>
  /** Running and ready again at the same address. */
  restart(part: PartName): Promise<void>
  stop(): Promise<void>
}

/** RTP ports, two for each leg of 2000 calls, below the range that Linux gives out by itself. */
const rtpPortMinDefault = 20_000
const rtpPortMaxDefault = 27_999

/** Postgres, Redis and the two stand-ins as private child processes, on one machine with only Node and Debian's packages. */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const host = options.host ?? '127.0.0.1'
  await claimPorts(options, host)
  const { dataDir, account } = await openDataFolder(options.dataDir)
  const run = await takeRunFolder(dataDir)
  /** Run last to first. */
  const closers: (() => Promise<void>)[] = [() => run.release()]
  const stop = () => closeAll(closers)
  try {
    const logDir = join(dataDir, 'log')
    await mkdir(logDir, { recursive: true, mode: 0o700 })
    closers.push(() => adoptFiles(dataDir, account))
    const sockets = await openSocketFolder(dataDir, account)
    closers.push(() => sockets.remove())

    const { sip, media } = createStandIns(options, host, logDir)
    const privates = await createPrivates(options, {
      dataDir,
      socketDir: sockets.dir,
      logDir,
      account,
    })
    const programs = [...privates, ...[sip, media].flatMap((each) => each?.program ?? [])]
    const parts = programs.map((program) => createPart(program, run, options))
    closers.push(() => stopParts(parts))
    await startParts(parts)
    options.log?.info({ pids: pidsOf(parts) }, 'embedded runtime is up')
    return {
      databaseUrl: options.start.postgres ? postgresUrl(sockets.dir) : undefined,
      redisUrl: options.start.redis ? redisUrl(sockets.dir) : undefined,
      drachtioUrl: sip?.url(),
      freeswitchUrls: media?.url(),
      sipAddress: sip?.sipAddress(),
      pids: () => pidsOf(parts),
      kill: (name, signal = 'SIGKILL') => partNamed(parts, name).kill(signal),
      counts: (name) => countsOf(partNamed(parts, name)),
      restart: (name) => partNamed(parts, name).restart(),
      stop,
    }
  } catch (err) {
    await stop().catch(() => undefined)
    throw err
  }
}

async function claimPorts(options: EmbeddedOptions, host: string): Promise<void> {
  const { start, sipPort = 0, clientPort = 0, mediaPort = 0, eslPort = 0 } = options
  const both = ['udp', 'tcp'] as const
  const tcp = ['tcp'] as const
  if (start.sip) {
    await claimPort({ host, port: sipPort, protocols: both, choose: 'set SIP_PORT' })
    await claimPort({ host, port: clientPort, protocols: tcp, choose: 'use --client-port' })
  }
  if (start.media) {
    await claimPort({ host, port: mediaPort, protocols: both, choose: 'use --media-port' })
    await claimPort({ host, port: eslPort, protocols: tcp, choose: 'use --esl-port' })
  }
}

function createStandIns(options: EmbeddedOptions, host: string, logDir: string) {
  const { start, sipPort = 0, clientPort = 0, mediaPort = 0, eslPort = 0 } = options
  const { rtpPortMin = rtpPortMinDefault, rtpPortMax = rtpPortMaxDefault } = options
  return {
    sip: start.sip ? createSipStandIn({ host, sipPort, clientPort, logDir }) : undefined,
    media: start.media
      ? createMediaStandIn({ host, sipPort: mediaPort, eslPort, rtpPortMin, rtpPortMax, logDir })
      : undefined,
  }
}

async function createPrivates(
  options: EmbeddedOptions,
  place: {
    readonly dataDir: string
    readonly socketDir: string
    readonly logDir: string
    readonly account: ServiceAccount
  },
): Promise<readonly PartProgram[]> {
  const durable = options.durable ?? true
  return [
    ...(options.start.postgres ? [await createPostgres({ ...place, durable })] : []),
    ...(options.start.redis ? [await createRedisServer(place)] : []),
  ]
}

function createPart(program: PartProgram, run: RunFolder, options: EmbeddedOptions): Part {
  return new Part({
    program,
    run,
    restartOnExit: options.restart ?? false,
    onExit(name, exit, lastWords) {
      const how = exitText(exit)
      options.log?.warn({ part: name, how, lastWords }, 'a part of the embedded runtime died')
      options.onExit?.(name, how)
    },
  })
}

/** All at once, and all of them: a fault is told only when none is half started any more. */
async function startParts(parts: readonly Part[]): Promise<void> {
  const results = await Promise.allSettled(parts.map((part) => part.start()))
  const faults = results.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  if (faults.length > 0)
    throw faults.length === 1
      ? faults[0]
      : new AggregateError(faults, faults.map(String).join('\n'))
}

async function stopParts(parts: readonly Part[]): Promise<void> {
  await Promise.all(parts.map((part) => part.stop()))
}

function partNamed(parts: readonly Part[], name: PartName): Part {
  const found = parts.find((part) => part.name === name)
  if (found === undefined) throw new Error(`${name} was not started here`)
  return found
}

async function countsOf(part: Part): Promise<Readonly<Record<string, number>>> {
  const line = await part.ask('counts')
  if (line === undefined) throw new Error(`${part.name} is not running`)
  return JSON.parse(line) as Record<string, number>
}

function pidsOf(parts: readonly Part[]): Readonly<Partial<Record<PartName, number>>> {
  return Object.fromEntries(
    parts.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]])),
  )
}

/** Every closer runs, whatever happens to the others; a second call finds nothing left to do. */
async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  const faults: unknown[] = []
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    await close().catch((err: unknown) => faults.push(err))
  }
  if (faults.length > 0) throw faults[0]
}
