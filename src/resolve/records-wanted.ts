import type { VirtualNumber } from '../domain/ids.ts'
import type { RecordsWanted } from './read-cached.ts'

/** Of the commonest product, and with nothing held against anybody. */
const usual: RecordsWanted = { legs: true, caller: false }
const legsAndCaller: RecordsWanted = { legs: true, caller: true }
const callerAlone: RecordsWanted = { legs: false, caller: true }
const neither: RecordsWanted = { legs: false, caller: false }

/** Always the same object for the same wish. */
export function recordsWanted(legs: boolean, caller: boolean): RecordsWanted {
  if (legs) return caller ? legsAndCaller : usual
  return caller ? callerAlone : neither
}

/** Some megabytes at most. */
const keptMax = 50_000

/**
 * Which records the last lookup of an X needed, so that the next asks for just those, all at once.
 * Nothing depends on it but the number of round trips: what turns out to be missing is asked for
 * then.
 */
export function createWantedRecords() {
  const unusual = new Map<VirtualNumber, RecordsWanted>()
  return {
    for: (x: VirtualNumber): RecordsWanted =>
      unusual.size === 0 ? usual : (unusual.get(x) ?? usual),

    learn(x: VirtualNumber, needed: RecordsWanted): void {
      if (needed === usual) {
        unusual.delete(x)
        return
      }
      if (unusual.size >= keptMax) unusual.clear()
      unusual.set(x, needed)
    },
  }
}
