import type { VirtualNumber } from '../domain/ids.ts'
import type { RecordsWanted } from './read-cached.ts'

/** Of the commonest product, and with nothing held against anybody. */
const usual: RecordsWanted = { legs: true, caller: false }
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

    learn(x: VirtualNumber, { legs, caller }: RecordsWanted): void {
      if (legs && !caller) {
        if (unusual.size > 0) unusual.delete(x)
        return
      }
      if (unusual.size >= keptMax) unusual.clear()
      unusual.set(x, { legs, caller })
    },
  }
}
