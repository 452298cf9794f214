import { randomBytes } from 'node:crypto'
import type { VirtualNumber } from '../domain/ids.ts'
import type { CallerHoldings, RouteChange, RouteInvalidation } from '../domain/route-change.ts'
import { createScriptRunner, type Redis, type RunScript, runScript } from '../platform/redis.ts'
import { claimScript, fillScript, forgetScript, writeScript } from './cache-scripts.ts'
import { createCachedReader } from './read-cached.ts'
import { createReplayMarks } from './replay-marks.ts'
import {
  callerKey,
  encodeAbsent,
  encodeBound,
  encodeCaller,
  encodeNumber,
  encodeUnknown,
  numberKey,
  partyKey,
} from './route-record.ts'

/** Bounds what a fault nobody thought of can keep wrong; long enough that a day without Postgres goes unnoticed. */
const recordSeconds = 7 * 86_400
/** After its expiry a record only tells "expired" from "no binding". */
const expiredSeconds = 60
/** A miss is made true by the next bind whatever its age: the limit is for memory, when callers make numbers up. */
const missSeconds = 60
/** Of who is in no group and on no blacklist: so often a stranger costs Postgres a read. For memory, when callers make numbers up. */
const strangerSeconds = 3_600
/** Longer than any write can be under way, so that an older one never finds the place empty. */
const tombstoneSeconds = 900
/** Longer than any read of Postgres. */
const claimSeconds = 15
const forgetBatch = 200

/** What a router read from Postgres and may put where it has claimed the place. */
export type ReadRoute = Pick<RouteChange, 'x' | 'version' | 'number' | 'parties'>

/** What is held about a caller, as read from Postgres. */
export type ReadCaller = {
  readonly party: string
  readonly version: number
  /** `much`: more than is kept; what counts for a call is asked for then. */
  readonly holdings: CallerHoldings | 'much'
}

export type RouteCache = ReturnType<typeof createRouteCache>

/**
 * The route records in Redis. Writers write guarded by version: an older change never covers a
 * newer one. Readers that found nothing claim the empty place before they read Postgres and fill
 * it only while their claim stands, so neither a write nor a flush in between can be undone by
 * what they read before it.
 */
export function createRouteCache({ redis }: { redis: Redis }) {
  const run: RunScript = (script, keys, args) => runScript(redis, script, keys, args)
  /** Of changes there can be many at a time; what calls do waits for nobody. */
  const change = createScriptRunner(redis)
  const reader = randomBytes(6).toString('hex')
  let claims = 0
  const read = createCachedReader(redis)

  async function claimKeys(keys: readonly string[]): Promise<string> {
    claims += 1
    const claim = `${reader}.${claims}`
    await run(claimScript, keys, [claim, claimSeconds])
    return claim
  }

  return {
    /** One round trip, shared by all that ask in the same turn of the event loop. */
    read,

    /** Before Postgres is read. The claim is good for one `fill`. */
    claim: (x: VirtualNumber, parties: readonly string[]): Promise<string> =>
      claimKeys(keysOf(x, parties)),

    claimCaller: (party: string): Promise<string> => claimKeys([callerKey(party)]),

    async fill(claim: string, read: ReadRoute): Promise<void> {
      const { keys, values } = entries(read, missSeconds)
      await run(fillScript, keys, [claim, read.version, ...values])
    },

    async fillCaller(claim: string, { party, version, holdings }: ReadCaller): Promise<void> {
      const value = encodeCaller(version, holdings)
      const isStranger =
        holdings !== 'much' && Object.values(holdings).every((each) => each.length === 0)
      const seconds = isStranger ? strangerSeconds : recordSeconds
      await run(fillScript, [callerKey(party)], [claim, version, value, seconds])
    },

    /** Resolves when Redis has it: from then on every reader sees it. */
    async write(written: RouteChange): Promise<void> {
      const { keys, values } = entries(written, tombstoneSeconds)
      await change(writeScript, keys, [written.version, ...values])
    },

    /** Makes readers ask Postgres again, without undoing what is as new as the change. */
    async forget(rows: readonly RouteInvalidation[]): Promise<void> {
      for (let at = 0; at < rows.length; at += forgetBatch) {
        await Promise.all(
          rows.slice(at, at + forgetBatch).map(({ x, version, parties }) => {
            const keys = x === undefined ? parties.map(callerKey) : keysOf(x, parties)
            return change(forgetScript, keys, [version, encodeUnknown(version), tombstoneSeconds])
          }),
        )
      }
    },

    ...createReplayMarks(redis),
  }
}

function keysOf(x: VirtualNumber, parties: readonly string[]): string[] {
  return [numberKey(x), ...parties.map((party) => partyKey(x, party))]
}

/** Keys, and for each of them its value and how many seconds it lives. */
function entries(change: ReadRoute, absentSeconds: number) {
  const { x, version, number, parties } = change
  const values: (string | number)[] =
    number === undefined
      ? [encodeAbsent(version), absentSeconds]
      : [encodeNumber(version, number), recordSeconds]
  for (const { bound } of parties) {
    if (bound === undefined) values.push(encodeAbsent(version), absentSeconds)
    else values.push(encodeBound(version, bound), boundSeconds(bound.expiresAt))
  }
  return {
    keys: keysOf(
      x,
      parties.map((each) => each.party),
    ),
    values,
  }
}

function boundSeconds(expiresAt: Date): number {
  const left = Math.ceil((expiresAt.getTime() - Date.now()) / 1000)
  return Math.min(Math.max(left, 0) + expiredSeconds, recordSeconds)
}
