import { beijingMonth, monthAfter } from '../platform/beijing-time.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import { type CallRecordRow, foldRows, rowOf } from './call-record-row.ts'
import { ensurePartition, rowsAsJson, upsertCallRecords } from './call-record-table.ts'
import type { DeadLetter, StreamEntry } from './group-reader.ts'
import { withOwners } from './number-owners.ts'
import { parseStoredEvent } from './stored-event.ts'
import { fieldsOf } from './stream.ts'

export type CallRecordStore = {
  /** Makes this month's partition and the next two, long before they are needed. */
  prepare(): Promise<void>
  /** Understands the entries. Throws when the database is away. */
  read(entries: readonly StreamEntry[]): Promise<RecordBatch>
  /** What it returns can never be stored. Throws when the database is away, and nothing is lost by trying again. */
  write(batch: RecordBatch): Promise<readonly DeadLetter[]>
  /** Both. */
  store(entries: readonly StreamEntry[]): Promise<readonly DeadLetter[]>
}

/** Entries of the stream, and what they say. */
export type RecordBatch = {
  readonly entries: readonly StreamEntry[]
  readonly work: readonly Work[]
  readonly dead: readonly DeadLetter[]
  readonly rows: RowBatch
}

/** One row per call, laid out for the database. */
type RowBatch = {
  readonly json: string
  /** In which the calls began. */
  readonly hours: ReadonlySet<string>
}

const monthsAhead = 2
/** Calls from before this, or from further ahead than any clock is wrong, are damage, and would each make a partition. */
const earliestCall = new Date('2020-01-01T00:00:00Z')
const aheadMsMax = 24 * 3_600_000

/** `2026-11-24T10`: months begin and end at full hours. */
const hourLength = 13

type Work = { readonly entry: StreamEntry; readonly row: CallRecordRow }

export function createCallRecordStore({ sql, clock }: { sql: Sql; clock: Clock }): CallRecordStore {
  const knownMonths = new Set<string>()

  async function haveMonth(moment: Date): Promise<void> {
    const month = beijingMonth(moment)
    if (knownMonths.has(month)) return
    await ensurePartition(sql, moment)
    knownMonths.add(month)
  }

  function parse(entry: StreamEntry): Work | DeadLetter {
    const text = fieldsOf(entry.fields).get('event')
    const parsed = parseStoredEvent(typeof text === 'string' ? text : undefined)
    if (parsed.kind === 'poison') return { entry, reason: parsed.reason }
    const { event } = parsed
    const callMs = Date.parse(event.callTime)
    const isPlausible = callMs >= +earliestCall && callMs <= +clock.now() + aheadMsMax
    return isPlausible
      ? { entry, row: rowOf(event) }
      : { entry, reason: 'the time of the call cannot be true' }
  }

  async function writeRows({ json, hours }: RowBatch): Promise<void> {
    if (hours.size === 0) return
    for (const hour of hours) await haveMonth(new Date(`${hour}:00:00Z`))
    await upsertCallRecords(sql, json)
  }

  /** One bad row fails the statement for all: then each is tried by itself. */
  async function writeOneByOne(work: readonly Work[]): Promise<DeadLetter[]> {
    const dead: DeadLetter[] = []
    for (const { entry, row } of work) {
      try {
        await writeRows(await layOut([row]))
      } catch (err) {
        const reason = dataFault(err)
        if (reason === undefined) throw err
        dead.push({ entry, reason })
      }
    }
    return dead
  }

  async function layOut(rows: readonly CallRecordRow[]): Promise<RowBatch> {
    const folded = foldRows(await withOwners(sql, rows))
    const hours = new Set(folded.map((row) => row.call_time.slice(0, hourLength)))
    return { json: rowsAsJson(folded), hours }
  }

  async function read(entries: readonly StreamEntry[]): Promise<RecordBatch> {
    const parsed = entries.map(parse)
    const work = parsed.filter((each): each is Work => 'row' in each)
    const dead = parsed.filter((each): each is DeadLetter => 'reason' in each)
    return { entries, work, dead, rows: await layOut(work.map(({ row }) => row)) }
  }

  async function write({ work, dead, rows }: RecordBatch): Promise<readonly DeadLetter[]> {
    try {
      await writeRows(rows)
      return dead
    } catch (err) {
      if (dataFault(err) === undefined) throw err
      // Also when somebody dropped a partition that we thought was there.
      knownMonths.clear()
      return [...dead, ...(await writeOneByOne(work))]
    }
  }

  return {
    async prepare() {
      for (let ahead = 0; ahead <= monthsAhead; ahead++) {
        await haveMonth(monthAfter(clock.now(), ahead))
      }
    },
    read,
    write,
    store: async (entries) => write(await read(entries)),
  }
}

/** SQLSTATE classes 22 and 23: the data, not the database. The message is left out: it can quote the row. */
function dataFault(err: unknown): string | undefined {
  const code = err instanceof Error && 'code' in err ? String(err.code) : ''
  return /^2[23]/.test(code) ? `the database refused it: ${code}` : undefined
}
