/** What a router makes of a part. unknown: it cannot say, and lets an open alarm be. */
export type Health = 'well' | 'ill' | 'unknown'

/**
 * From a state that may change at any moment to one that has lasted: what breaks for a moment is no
 * alarm, and what comes back for a moment does not end one.
 */
export function createSteady(given: { illAfterMs: number; wellAfterMs: number }): {
  see(isUp: boolean, nowMs: number): Health
} {
  let health: Health = 'unknown'
  let lastUp: boolean | undefined
  let sinceMs = 0
  return {
    see(isUp, nowMs) {
      if (isUp !== lastUp) sinceMs = nowMs
      lastUp = isUp
      const lastedMs = nowMs - sinceMs
      if (isUp && lastedMs >= given.wellAfterMs) health = 'well'
      if (!isUp && lastedMs >= given.illAfterMs) health = 'ill'
      return health
    },
  }
}

/** Of a level: between the two it stays what it was. */
export function createLevel(given: { illFrom: number; wellBelow: number }): {
  see(level: number): Health
} {
  let health: Health = 'unknown'
  return {
    see(level) {
      if (level >= given.illFrom) health = 'ill'
      if (level < given.wellBelow) health = 'well'
      return health
    },
  }
}
