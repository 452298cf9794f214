import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../platform/logger.ts'
import type { Frame } from './frames.ts'
import type { OpenCalls } from './open-calls.ts'
import { isMissing, listSegments, loadProgress, type Progress, readSegment } from './segments.ts'
import { endOfLostCall, parseStoredEvent } from './stored-event.ts'

export type Recovered = {
  /** The number of the segment to begin. */
  readonly segment: number
  readonly progress: Progress
  /** Events that the stream does not have, as far as the position tells. */
  readonly backlogEvents: number
}

/** Reads what the last process left: fills `sizes` and `openCalls`, cuts off a torn tail. */
export async function recoverJournal(deps: {
  dir: string
  sizes: Map<number, number>
  openCalls: OpenCalls
  log: Logger
}): Promise<Recovered> {
  const { dir, sizes, openCalls, log } = deps
  for (const [segment, size] of await listSegments(dir)) sizes.set(segment, size)
  const segments = [...sizes.keys()]
  const first = segments[0] ?? 1
  const last = segments.at(-1) ?? 0
  const start: Progress = { segment: first, offset: 0, streamId: undefined }
  const progress = (await loadProgress(dir)) ?? start
  let backlogEvents = 0
  for (const segment of segments) {
    const from = segment < progress.segment ? undefined : progress
    const unpublishedFrom = from?.segment === segment ? from.offset : 0
    const read = await readSegment(dir, segment, { mend: segment === last, unpublishedFrom })
    sizes.set(segment, read.size)
    if (read.tornBytes > 0) {
      log.warn({ segment, bytes: read.tornBytes }, 'call journal has a torn tail: cut off')
    }
    for (const frame of read.frames) openCalls.apply(frame)
    openCalls.settle()
    if (from !== undefined) backlogEvents += read.unpublished
  }
  return { segment: Math.max(last, progress.segment) + 1, progress, backlogEvents }
}

/**
 * The ends of calls that have a start here and no end: the process that ran them is gone.
 * `lastAliveAt` is undefined when it went in good order.
 */
export function endsOfLostCalls(
  openCalls: OpenCalls,
  lastAliveAt: Date | undefined,
  log: Logger,
): Frame[] {
  const ends: Frame[] = []
  for (const { id, json } of openCalls.frames()) {
    const parsed = parseStoredEvent(json)
    if (parsed.kind === 'poison') {
      log.error({ id, reason: parsed.reason }, 'lost call cannot be ended')
      continue
    }
    const end = endOfLostCall(parsed.event, lastAliveAt ?? new Date(parsed.event.at))
    log.warn({ callId: end.callId }, 'call was running when its router died: ended')
    ends.push({ kind: 'event', id: end.id, json: JSON.stringify(end) })
  }
  return ends
}

/** Made once per folder: the router's lease hangs on it, so that a new process with the folder carries on and one without it does not. */
export async function journalId(dir: string): Promise<string> {
  const path = join(dir, 'id')
  const known = await readFile(path, 'utf8').catch((err: unknown) => {
    if (isMissing(err)) return ''
    throw err
  })
  if (/^[0-9a-f-]{36}$/.test(known)) return known
  const made = randomUUID()
  await writeFile(`${path}.new`, made)
  await rename(`${path}.new`, path)
  return made
}
