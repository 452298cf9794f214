import type { VirtualNumber } from '../domain/ids.ts'
import type { Redis } from '../platform/redis.ts'
import { type CachedValue, decodeValue, numberKey, partyKey } from './route-record.ts'

/** What a router found in the cache for one caller on one X. */
export type CachedRoute = { readonly number: CachedValue; readonly party: CachedValue }

type Question = {
  readonly x: VirtualNumber
  /** Its place in the reply; the party, if any, comes right after it. */
  readonly at: number
  readonly withParty: boolean
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
): (x: VirtualNumber, party: string | undefined) => Promise<CachedRoute> {
  let questions: Question[] = []
  let keys: string[] = []

  function send(): void {
    if (questions.length === 0) return
    const asked = questions
    const asking = keys
    questions = []
    keys = []
    redis.mget(asking).then(
      (values) => {
        for (const { x, at, withParty, resolve } of asked) {
          const number = decodeValue(x, values[at])
          resolve({ number, party: withParty ? decodeValue(x, values[at + 1]) : notAsked })
        }
      },
      (err: unknown) => {
        for (const { reject } of asked) reject(err)
      },
    )
  }

  return (x, party) =>
    new Promise((resolve, reject) => {
      const at = keys.push(numberKey(x)) - 1
      if (party !== undefined) keys.push(partyKey(x, party))
      questions.push({ x, at, withParty: party !== undefined, resolve, reject })
      // After all that is ready to run now, before any I/O.
      if (at === 0) process.nextTick(send)
      else if (keys.length >= keysMax) send()
    })
}
