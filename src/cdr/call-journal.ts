import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallEvent } from '../domain/call-event.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Redis } from '../platform/redis.ts'
import type { Vault } from '../platform/vault.ts'
import { createDiskReserve, type DiskReserve } from './disk-reserve.ts'
import { createDiskRoom } from './disk-room.ts'
import { type Frame, frameBytesMax } from './frames.ts'
import { type JournalLimits, journalLimits } from './journal-limits.ts'
import { type JournalLock, takeJournalLock } from './journal-lock.ts'
import { endsOfLostCalls, journalId, recoverJournal } from './journal-recovery.ts'
import { createOpenCalls, type OpenCalls, splitEventId } from './open-calls.ts'
import { createRecentFrames } from './recent-frames.ts'
import { createSegmentKeeper, type SegmentKeeper } from './segment-keeper.ts'
import { createSegmentWriter, type SegmentWriter } from './segment-writer.ts'
import { readFrom } from './segments.ts'
import { createEventSealer } from './stored-event.ts'
import { ownConnection } from './stream.ts'
import { batchMax, createStreamPublisher, type StreamPublisher } from './stream-publisher.ts'

type JournalStats = {
  /** Events that Redis has not confirmed. */
  readonly backlogEvents: number
  readonly backlogSeconds: number
  readonly diskBytes: number
  readonly pendingBytes: number
  readonly openCalls: number
  readonly full: boolean
  /** How much of what the journal may hold is used, or taken away by a disk that others fill. 100: calls are refused. */
  readonly usedPercent: number
}

export type CallJournal = {
  /** Never throws and never waits. Before `start` events are only kept in memory. */
  append(event: CallEvent): void
  /** New calls must be refused: their events might not fit. The events of calls that run still do. */
  isFull(): boolean
  /** Takes the folder, ends the calls that were running when the last process died, begins to publish. */
  start(): Promise<void>
  /** Resolves when everything appended before is on disk. */
  flushed(): Promise<void>
  /** Writes and publishes what is left, each within a limit; what Redis does not take stays for the next start. */
  close(): Promise<void>
  stats(): JournalStats
  /** Known after `start`. Belongs to the folder, so it stays the same when the process does not. */
  id(): string
  /** Each call that runs, with its last event, sealed: for the router's lease. */
  openCalls(): readonly { readonly callId: string; readonly json: string }[]
}

/** `disk`, `redis`: did not take what was sent, and will be tried again. `lost`: an event could not be kept. */
type Failure = 'disk' | 'redis' | 'lost'

type JournalDeps = {
  readonly dir: string
  readonly redis: Redis
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Logger
  readonly limits?: Partial<JournalLimits>
  readonly onPublished?: (events: number) => void
  readonly onFailure?: (what: Failure) => void
}

/** How often the lock is touched: how exactly the end of a lost call is known. */
const heartbeatMs = 1_000
const closeMsMax = 5_000

export function createCallJournal(deps: JournalDeps): CallJournal {
  const { log } = deps
  const limits = { ...journalLimits, ...deps.limits }
  const seal = createEventSealer(deps.vault)
  const openCalls = createOpenCalls()
  const early: Frame[] = []
  let running: Running | undefined
  let closed = false

  function lose(facts: object): void {
    deps.onFailure?.('lost')
    log.error(facts, 'call event could not be kept')
  }

  function keep(frame: Frame): void {
    const isTooLong = isLongerThan(frame.json, frameBytesMax - 256)
    // Far beyond what running calls can need: only who goes on calling while `isFull` gets here.
    const isTooMuch =
      running === undefined
        ? early.length >= limits.earlyEventsMax
        : running.writer.pendingBytes() > limits.memoryBytesHard
    if (closed || isTooLong || isTooMuch) lose({ id: frame.id, closed, isTooLong, isTooMuch })
    else if (running === undefined) early.push(frame)
    else running.push(frame)
  }

  return {
    append(event) {
      try {
        keep({ kind: 'event', id: event.id, json: seal(event) })
      } catch (err) {
        lose({ err, id: event.id })
      }
    },
    isFull: () => closed || running === undefined || running.isFull(),
    async start() {
      running = await openJournal({ ...deps, limits, openCalls })
      for (const frame of early.splice(0)) running.push(frame)
    },
    flushed: async () => running?.writer.flushed(),
    async close() {
      if (closed) return
      closed = true
      const left = (await running?.close()) ?? 0
      if (left > 0) lose({ bytes: left })
    },
    stats() {
      const oldestAt = running?.publisher.oldestAt()
      const waitedMs = oldestAt === undefined ? 0 : +deps.clock.now() - oldestAt.getTime()
      return {
        backlogEvents: (running?.backlogEvents() ?? 0) + early.length,
        backlogSeconds: Math.max(0, waitedMs / 1000),
        diskBytes: running?.keeper.bytes() ?? 0,
        pendingBytes: running?.writer.pendingBytes() ?? 0,
        openCalls: openCalls.size(),
        full: closed || running === undefined || running.isFull(),
        usedPercent: closed || running === undefined ? 100 : running.usedPercent(),
      }
    },
    id() {
      if (running === undefined) throw new Error('the call journal has not been started')
      return running.id
    },
    openCalls: () =>
      openCalls.frames().map(({ id, json }) => ({ callId: splitEventId(id).callId, json })),
  }
}

/** Three bytes is the most that UTF-8 needs for one of JavaScript's characters. */
const isLongerThan = (text: string, bytesMax: number) =>
  text.length > bytesMax / 3 && Buffer.byteLength(text) > bytesMax

type Running = {
  readonly id: string
  readonly writer: SegmentWriter
  readonly publisher: StreamPublisher
  readonly keeper: SegmentKeeper
  push(frame: Frame): void
  isFull(): boolean
  usedPercent(): number
  backlogEvents(): number
  /** Bytes that could not be written. */
  close(): Promise<number>
}

type OpenDeps = JournalDeps & { readonly limits: JournalLimits; readonly openCalls: OpenCalls }

async function openJournal(deps: OpenDeps): Promise<Running> {
  const { dir, limits, openCalls, log } = deps
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const lock = await takeJournalLock(dir)
  try {
    const id = await journalId(dir)
    const sizes = new Map<number, number>()
    const recovered = await recoverJournal({ dir, sizes, openCalls, log })
    const reserve = createDiskReserve({ path: join(dir, 'reserve'), bytes: limits.reserveBytes })
    await reserve.hold()
    const running = runJournal({ ...deps, id, sizes, recovered, reserve, lock })
    for (const end of endsOfLostCalls(openCalls, lock.lastAliveAt, log)) running.push(end)
    return running
  } catch (err) {
    await lock.release()
    throw err
  }
}

function runJournal(
  deps: OpenDeps & {
    readonly id: string
    readonly sizes: Map<number, number>
    readonly recovered: Awaited<ReturnType<typeof recoverJournal>>
    readonly reserve: DiskReserve
    readonly lock: JournalLock
  },
): Running {
  const { dir, id, sizes, recovered, reserve, lock, limits, openCalls, log } = deps
  let backlogEvents = recovered.backlogEvents
  const redis = ownConnection(deps.redis, 'call-journal')
  const keeper = createSegmentKeeper({ dir, sizes, limits, log })
  const recent = createRecentFrames(limits.recentBytes)
  const writer = createSegmentWriter({
    ...{ dir, sizes, openCalls, recent, reserve, readMax: batchMax, limits, log },
    segment: recovered.segment,
    onDurable: () => publisher.wake(),
    onFailure: () => deps.onFailure?.('disk'),
  })
  const publisher = createStreamPublisher({
    ...{ redis, journalId: id, from: recovered.progress, log },
    read: async (from) =>
      recent.readFrom(from, batchMax) ??
      (await readFrom({ dir, from, end: writer.durableEnd(), max: batchMax })),
    oldestKept: () => ({ ...keeper.oldest(), streamId: undefined }),
    onProgress: (progress) => keeper.onProgress(progress),
    onPublished(count) {
      backlogEvents = Math.max(0, backlogEvents - count)
      if (count > 0) deps.onPublished?.(count)
    },
    onFailure: () => deps.onFailure?.('redis'),
  })
  const heartbeat = setInterval(() => void beat(), heartbeatMs)
  const room = createDiskRoom(dir)

  async function beat(): Promise<void> {
    try {
      await lock.touch()
      await keeper.tidy()
      await room.look()
      if (!writer.isFailing()) await reserve.hold()
    } catch (err) {
      log.warn({ err, dir }, 'call journal cannot be looked after')
    }
  }

  /** With what the calls that run may still need, and one more call. */
  function bytesNeeded(): number {
    const promised = (openCalls.size() + writer.pendingFrames() + 1) * limits.callBytes
    return keeper.bytes() + writer.pendingBytes() + promised
  }

  function isFull(): boolean {
    const pendingBytes = writer.pendingBytes()
    if (writer.isFailing() || !reserve.isHeld() || pendingBytes > limits.memoryBytes) return true
    return bytesNeeded() > limits.bytesMax
  }

  return {
    ...{ id, writer, publisher, keeper, isFull },
    push(frame) {
      backlogEvents += 1
      writer.push(frame)
    },
    usedPercent() {
      if (isFull()) return 100
      const free = Math.min(limits.bytesMax - bytesNeeded(), room.freeBytes())
      return Math.min(100, Math.max(0, 100 * (1 - free / limits.bytesMax)))
    },
    backlogEvents: () => backlogEvents,
    async close() {
      clearInterval(heartbeat)
      await writer.close(closeMsMax)
      await publisher.stop(closeMsMax)
      redis.disconnect()
      await keeper.tidy()
      await lock.release()
      return writer.pendingBytes()
    },
  }
}
