import type { VirtualNumber } from '../domain/ids.ts'
import { extensionParty } from '../domain/route-change.ts'
import type { Redis } from '../platform/redis.ts'
import { type CachedValue, callerKey, decodeValue, numberKey, partyKey } from './route-record.ts'

/** What is asked: who dialled which X, and which extension after it. */
export type RouteQuestion = {
  readonly x: VirtualNumber
  /** Blind index of the caller; undefined when the number was withheld. */
  readonly party: string | undefined
  readonly extension: string | undefined
}

/** Which records besides X's own. */
export type RecordsWanted = {
  /** Of the caller and of the extension on X. */
  readonly legs: boolean
  /** What is held about the caller, whatever X it calls. */
  readonly caller: boolean
}

/** What a router found in the cache. What was not asked for is unknown. */
export type CachedRoute = {
  readonly number: CachedValue
  readonly party: CachedValue
  readonly extension: CachedValue
  readonly caller: CachedValue
}

type Waiting = {
  readonly question: RouteQuestion
  readonly wanted: RecordsWanted
  /** Its place in the reply. */
  readonly at: number
  readonly resolve: (route: CachedRoute) => void
  readonly reject: (err: unknown) => void
}

/**
 * Under load Redis then reads for one MGET while we work on the answer to another, and the memory
 * that it has to wait for, the more the more bindings there are, costs no time of ours.
 */
const keysMax = 32

const notAsked: CachedValue = { kind: 'unknown' }

/**
 * Reads route records. Lookups that begin in the same turn of the event loop share one MGET: at
 * high rates most of a lookup's cost is the command, not the keys. None waits for another turn.
 */
export function createCachedReader(
  redis: Redis,
): (question: RouteQuestion, wanted: RecordsWanted) => Promise<CachedRoute> {
  let waiting: Waiting[] = []
  let keys: string[] = []

  function send(): void {
    if (waiting.length === 0) return
    const asked = waiting
    const asking = keys
    waiting = []
    keys = []
    redis.mget(asking).then(
      (values) => {
        for (const each of asked) each.resolve(routeAt(values, each))
      },
      (err: unknown) => {
        for (const { reject } of asked) reject(err)
      },
    )
  }

  return (question, wanted) =>
    new Promise((resolve, reject) => {
      const at = keys.length
      pushKeys(keys, question, wanted)
      waiting.push({ question, wanted, at, resolve, reject })
      // After all that is ready to run now, before any I/O.
      if (at === 0) process.nextTick(send)
      else if (keys.length >= keysMax) send()
    })
}

function pushKeys(keys: string[], question: RouteQuestion, wanted: RecordsWanted): void {
  const { x, party, extension } = question
  keys.push(numberKey(x))
  if (wanted.legs && party !== undefined) keys.push(partyKey(x, party))
  if (wanted.legs && extension !== undefined) keys.push(partyKey(x, extensionParty(extension)))
  if (wanted.caller && party !== undefined) keys.push(callerKey(party))
}

/** In the order of `pushKeys`. */
function routeAt(
  values: readonly (string | null)[],
  { question, wanted, at }: Waiting,
): CachedRoute {
  const { x, party, extension } = question
  let next = at
  const read = (asked: boolean): CachedValue => {
    if (!asked) return notAsked
    next += 1
    return decodeValue(x, values[next - 1])
  }
  return {
    number: read(true),
    party: read(wanted.legs && party !== undefined),
    extension: read(wanted.legs && extension !== undefined),
    caller: read(wanted.caller && party !== undefined),
  }
}
