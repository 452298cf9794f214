/** However seldom it works, it is tried again after so many binds. */
const skippedMax = 63
/** Pools that are remembered; forgetting one costs a statement. */
const poolsMax = 10_000

/**
 * Whether to try the quick way of finding an X in a pool. Where it has failed it is left out for a
 * while, twice as long after each failure: a pool that is nearly full, or in which somebody cools off.
 */
export type QuickLuck = {
  isWorthIt(poolKey: string): boolean
  note(poolKey: string, worked: boolean): void
}

export function createQuickLuck(): QuickLuck {
  const unlucky = new Map<string, { readonly pause: number; left: number }>()
  return {
    isWorthIt(poolKey) {
      const held = unlucky.get(poolKey)
      if (held === undefined) return true
      held.left -= 1
      return held.left < 0
    },
    note(poolKey, worked) {
      if (worked) {
        if (unlucky.size > 0) unlucky.delete(poolKey)
        return
      }
      const pause = Math.min((unlucky.get(poolKey)?.pause ?? 0) * 2 + 1, skippedMax)
      if (unlucky.size >= poolsMax) unlucky.clear()
      unlucky.set(poolKey, { pause, left: pause })
    },
  }
}
