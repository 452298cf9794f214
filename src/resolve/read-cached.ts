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

/** What a router found in the cache. What was not asked is unknown. */
export type CachedRoute = {
  readonly number: CachedValue
  readonly party: CachedValue
  readonly extension: CachedValue
  readonly caller: CachedValue
}

type Waiting = {
  readonly question: RouteQuestion
  /** Its place in the reply. */
  readonly at: number
  readonly resolve: (route: CachedRoute) => void
  readonly reject: (err: unknown) => void
}

/** One MGET holds Redis up for some 50 µs at most. */
const keysMax = 256

const notAsked: CachedValue = { kind: 'unknown' }

/**
 * Reads route records. Lookups that begin in the same turn of the event loop share one MGET: at
 * high rates most of a lookup's cost is the command, not the keys. None waits for another turn.
 */
export function createCachedReader(
  redis: Redis,
): (question: RouteQuestion) => Promise<CachedRoute> {
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
        for (const { question, at, resolve } of asked) resolve(routeAt(values, at, question))
      },
      (err: unknown) => {
        for (const { reject } of asked) reject(err)
      },
    )
  }

  return (question) =>
    new Promise((resolve, reject) => {
      const at = keys.length
      pushKeys(keys, question)
      waiting.push({ question, at, resolve, reject })
      // After all that is ready to run now, before any I/O.
      if (at === 0) process.nextTick(send)
      else if (keys.length >= keysMax) send()
    })
}

function pushKeys(keys: string[], { x, party, extension }: RouteQuestion): void {
  keys.push(numberKey(x))
  if (party !== undefined) keys.push(partyKey(x, party), callerKey(party))
  if (extension !== undefined) keys.push(partyKey(x, extensionParty(extension)))
}

/** In the order of `pushKeys`. */
function routeAt(
  values: readonly (string | null)[],
  at: number,
  { x, party, extension }: RouteQuestion,
): CachedRoute {
  const afterCaller = party === undefined ? at + 1 : at + 3
  return {
    number: decodeValue(x, values[at]),
    party: party === undefined ? notAsked : decodeValue(x, values[at + 1]),
    caller: party === undefined ? notAsked : decodeValue(x, values[at + 2]),
    extension: extension === undefined ? notAsked : decodeValue(x, values[afterCaller]),
  }
}
