import { randomUUID } from 'node:crypto'
import { releaseLane } from './push-lanes.ts'
import { type PushDeps, sendNext } from './push-send.ts'
import { dueTargets, type PushTarget } from './push-target.ts'
import { createTurns, inAnyOrder } from './turns.ts'

export type Push = {
  /** Sends what is due in all lanes that are free; any number of workers may. Does not wait for answers. */
  step(): Promise<void>
  /** When nothing that this worker has begun is under way. */
  settled(): Promise<void>
}

/** Requests at the same time in one worker: each holds a batch in memory and now and then a connection to Postgres. */
const lanesAtOnce = 64
/** An account's receivers can take their time with each of 32 lanes for each type: others are not to wait for that. */
const lanesPerAccountMax = 32
/** Then the lane looks again at what the push says, and lets others have a turn. */
const batchesPerTurn = 20
const turnMsMax = 2_000

/**
 * Posts what is due. A lane is one worker's at a time, for as long as one batch may take; whoever
 * dies with a batch under way leaves it to the next worker, who sends it again.
 *
 * A receipt: due -> sent, or -> due after 1, 5 and 10 minutes -> dead.
 * A URL: well -> failing at the first fault -> paused when nothing has arrived for ten minutes, then
 * tried once a minute with its oldest batch -> well with whatever arrives.
 */
export function createPush(
  deps: PushDeps & {
    /** There is more to send now. */
    onMore(): void
  },
): Push {
  const { sql, clock, log } = deps
  const holder = randomUUID()
  const turns = createTurns({
    atOnce: lanesAtOnce,
    perAccountMax: lanesPerAccountMax,
    onMore: deps.onMore,
    onFault(err, lane) {
      // The lease ends by itself, and what was sent without a note of it is sent again.
      log.warn({ err, lane }, 'a push was left off')
    },
  })

  async function runLane(target: PushTarget, lane: number): Promise<boolean> {
    const until = performance.now() + turnMsMax
    let batches = 0
    while (batches < batchesPerTurn && performance.now() < until) {
      if (!(await sendNext(deps, { target, lane, holder }))) break
      batches += 1
    }
    const { accountId, type } = target
    await releaseLane(deps.sql, { accountId, type, lane, holder })
    return batches > 0
  }

  return {
    async step() {
      const targets = await dueTargets(sql, clock.now())
      for (const target of inAnyOrder(targets)) {
        const { accountId, type } = target
        for (const lane of target.lanes) {
          const key = `${accountId} ${type} ${lane}`
          turns.start({ key, accountId }, () => runLane(target, lane))
        }
      }
    },
    settled: turns.settled,
  }
}
