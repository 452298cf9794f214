import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import { pruneKeys } from './idempotency.ts'
import {
  databaseTime,
  drainedSince,
  keptSeconds,
  leftBehind,
  markDrained,
  prune,
} from './invalidations.ts'
import type { RouteRecords } from './ports.ts'
import { pruneCooling, sweepExpired } from './sweep-expired.ts'

const roundMs = 500
/** A writer that is alive has written by then, or has the row suspected. */
const leftBehindMs = 2_000
/** `drained_at` is set by Postgres's clock after Redis had the change; the mark is read from the same clock. This covers only their rounding. */
const markMarginMs = 1_000
const markEveryMs = 5_000
const pruneEveryMs = 60_000
/** One round sweeps at most this many batches, so that the cache is never left alone for long. */
const sweepBatchesMax = 20

/** What the worker does besides, for other rooms, in the same rounds: some hundred milliseconds at most. */
export type KeeperDuty = {
  readonly name: string
  readonly everyMs: number
  work(): Promise<void>
}

export type CacheKeeper = {
  start(): void
  /** Resolves when the round under way has ended. */
  stop(): Promise<void>
}

/**
 * The worker's part in keeping the cache true, any number of workers at once: replays what a
 * restarted Redis may have lost before anybody believes it, puts in what a dead writer left
 * behind, ends expired bindings, and throws away what is no longer needed.
 */
export function createCacheKeeper(deps: {
  sql: Sql
  records: RouteRecords
  clock: Clock
  log: Logger
  duties?: readonly KeeperDuty[]
}): CacheKeeper {
  const duties = [
    duty('replay', 0, () => replay(deps)),
    duty('drain', 0, () => drainLeftBehind(deps)),
    duty('mark', markEveryMs, () => setMark(deps)),
    duty('sweep', 0, () => sweep(deps)),
    duty('prune', pruneEveryMs, () => pruneAll(deps)),
    ...(deps.duties ?? []).map((each) => duty(each.name, each.everyMs, () => each.work())),
  ]
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> | undefined
  let stopped = true

  async function runRound(): Promise<void> {
    for (const each of duties) await each(deps.log)
  }

  function next(): void {
    round = runRound().finally(() => {
      round = undefined
      if (!stopped) timer = setTimeout(next, roundMs)
    })
  }

  return {
    start() {
      if (!stopped) return
      stopped = false
      next()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await round
    },
  }
}

/** Runs at most every so often, and complains once when it begins to fail, not every time. */
function duty(name: string, everyMs: number, work: () => Promise<void>) {
  let dueAt = 0
  let failing = false
  return async (log: Logger): Promise<void> => {
    if (performance.now() < dueAt) return
    try {
      await work()
      dueAt = performance.now() + everyMs
      if (failing) log.info({ duty: name }, 'the cache keeper works again')
      failing = false
    } catch (err) {
      if (!failing) log.warn({ err, duty: name }, 'the cache keeper cannot work')
      failing = true
    }
  }
}

type Deps = { sql: Sql; records: RouteRecords; clock: Clock; log: Logger }

/**
 * A Redis that has restarted may have lost the end of what it was told. Everything that it cannot
 * surely have had is forgotten there; then the run is declared replayed, and routers believe it.
 */
async function replay({ sql, records, log }: Deps): Promise<void> {
  const runId = await records.runId()
  if ((await records.replayed()) === runId) return
  const mark = await records.mark()
  const now = await databaseTime(sql)
  const oldest = now.getTime() - (keptSeconds - 60) * 1_000
  const wiped = mark === undefined || mark.getTime() < oldest
  let rows = 0
  if (wiped) await records.wipe()
  else rows = await forgetSince(sql, records, new Date(mark.getTime() - markMarginMs))
  await records.setReplayed(runId)
  await records.setMark(now)
  log.info({ rows, wiped }, 'redis was brought up to date and is believed again')
}

async function forgetSince(sql: Sql, records: RouteRecords, since: Date): Promise<number> {
  let afterId = '0'
  let rows = 0
  for (;;) {
    const page = await drainedSince(sql, since, afterId)
    const last = page.at(-1)
    if (last === undefined) return rows
    await records.forget(page)
    rows += page.length
    afterId = last.id
  }
}

async function drainLeftBehind({ sql, records, log }: Deps): Promise<void> {
  for (;;) {
    const rows = await leftBehind(sql, leftBehindMs)
    if (rows.length === 0) return
    await records.forget(rows)
    await markDrained(
      sql,
      rows.map(({ id }) => id),
    )
    log.info({ rows: rows.length }, 'changes that their writer left behind are in redis now')
  }
}

/** The time is read before the mark is written: what was drained by then, Redis had before the mark. */
async function setMark({ sql, records }: Deps): Promise<void> {
  await records.setMark(await databaseTime(sql))
}

async function sweep({ sql, clock }: Deps): Promise<void> {
  for (let batch = 0; batch < sweepBatchesMax; batch += 1) {
    if ((await sweepExpired(sql, { now: clock.now() })) === 0) return
  }
}

async function pruneAll({ sql, clock }: Deps): Promise<void> {
  while ((await prune(sql)) > 0);
  while ((await pruneKeys(sql, clock.now())) > 0);
  while ((await pruneCooling(sql, clock.now())) > 0);
}
