import { type Comparison, compare, type Fact, median } from './bench-comparison.ts'
import type { CopySetup } from './bench-events-copy.ts'
import { benchDelay } from './bench-events-delay.ts'
import type { JournalDone, JournalSetup, JournalTask } from './bench-events-journal.ts'
import type { RecordsSetup, RecordsTask } from './bench-events-records.ts'
import type { XaddSetup, XaddTask } from './bench-events-xadd.ts'
import { type BenchGround, startBenchGround } from './bench-ground.ts'
import { type Helper, startHelper } from './bench-process.ts'

export type EventsShape = {
  readonly rounds: number
  /** Of one round. */
  readonly calls: number
  readonly up: number
  /** Whose receipts are waited for. */
  readonly delayCalls: number
  say(text: string): void
}

type Found = { readonly comparisons: readonly Comparison[]; readonly facts: readonly Fact[] }

/** Short and many: what disturbs one of them does not decide. */
const roundsPerRound = 3

/** How fast events come from the journal to the stream, and from there to the call records. */
export async function benchEvents(shape: EventsShape): Promise<Found> {
  const ground = await startBenchGround()
  try {
    const rounds = shape.rounds * roundsPerRound
    const found = await benchStream(ground, { ...shape, rounds })
    const records = await benchRecords(ground, { ...shape, rounds })
    const facts = await benchDelay(ground, shape.delayCalls)
    return {
      comparisons: [...found.comparisons, records.comparison],
      facts: [...found.facts, records.fact, ...facts],
    }
  } finally {
    await ground.stop()
  }
}

type Journal = Helper<JournalTask, JournalDone>
type Bare = Helper<XaddTask, number>

async function benchStream(ground: BenchGround, shape: EventsShape): Promise<Found> {
  const { redisUrl, dataDir } = ground
  shape.say(
    'To the stream. Bare: pipelines of 500 XADD, two under way, of the same JSON, sealed and written beforehand.',
  )
  const journal: JournalSetup = { redisUrl, dataDir }
  const xadd: XaddSetup = { redisUrl }
  const ours: Journal = startHelper('./bench-events-journal.ts', journal)
  const bare: Bare = startHelper('./bench-events-xadd.ts', xadd)
  try {
    return await takeTurns(ours, bare, shape)
  } finally {
    await ours.stop()
    await bare.stop()
  }
}

async function takeTurns(ours: Journal, bare: Bare, shape: EventsShape): Promise<Found> {
  const { rounds, calls, up, say } = shape
  const rates = { append: [] as number[], drain: [] as number[], bare: [] as number[] }
  const starts: number[] = []
  // The first round warms both sides up.
  for (let round = 0; round <= rounds; round++) {
    const task = { calls, up, from: round * calls }
    const before = await bare.do(task)
    const append = await ours.do({ do: 'append', ...task })
    const drain = await ours.do({ do: 'drain', ...task })
    if (round === 0) continue
    rates.bare.push(before)
    rates.append.push(append.perSecond)
    rates.drain.push(drain.perSecond)
    starts.push(drain.startMs)
    say(
      `round ${round} of ${rounds}: events per second bare ${before.toFixed(0)}, from the journal's files ${drain.perSecond.toFixed(0)}, appended ${append.perSecond.toFixed(0)}`,
    )
  }
  const of = (name: string, each: readonly number[]) =>
    compare({
      ...{ name, unit: 'per second', ours: each, bare: rates.bare },
      goal: { least: 0.6 },
    })
  return {
    comparisons: [
      of('an event, journal to stream : an XADD', rates.drain),
      of('an event, append to stream : an XADD', rates.append),
    ],
    facts: [
      {
        name: `start with ${calls * eventsPerCall} events in the journal`,
        unit: 'ms',
        value: median(starts),
      },
    ],
  }
}

/**
 * Both write into the same table, with everything that hangs on it. An event is compared with a
 * copied row, because each event tells all that a row holds: copied bare, it would be such a row. That
 * four events make one row, and a call is that much slower than a row, is the fact beside it.
 */
async function benchRecords(
  ground: BenchGround,
  shape: EventsShape,
): Promise<{ comparison: Comparison; fact: Fact }> {
  const { redisUrl, databaseUrl } = ground
  const records: RecordsSetup = { redisUrl, databaseUrl }
  const copy: CopySetup = { databaseUrl }
  const ours: Helper<RecordsTask, number> = startHelper('./bench-events-records.ts', records)
  const bare: Helper<RecordsTask, number> = startHelper('./bench-events-copy.ts', copy)
  const rates = { ours: [] as number[], bare: [] as number[] }
  const { rounds, calls, up, say } = shape
  say(
    `To the records. Bare: one COPY of finished rows, one for each call. Ours: events, ${eventsPerCall} for each call, merged into its row.`,
  )
  try {
    for (let round = 0; round <= rounds; round++) {
      const task = { calls, up, from: round * calls }
      const copied = await bare.do(task)
      const written = await ours.do(task)
      if (round === 0) continue
      rates.bare.push(copied)
      rates.ours.push(written)
      say(
        `round ${round} of ${rounds}: per second bare ${copied.toFixed(0)} rows, ours ${written.toFixed(0)} events`,
      )
    }
  } finally {
    await ours.stop()
    await bare.stop()
  }
  const comparison = compare({
    ...{ name: 'an event to the records : a row copied', unit: 'per second', ...rates },
    goal: { least: 0.4 },
  })
  const calls100 = (100 * comparison.ratio) / eventsPerCall
  return {
    comparison,
    fact: { name: 'a whole call to the records : a row copied', unit: '%', value: calls100 },
  }
}

const eventsPerCall = 4
