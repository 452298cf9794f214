/** One comparison: what ours needs or does for each of theirs, as the median over the rounds. */
export type Comparison = {
  readonly name: string
  readonly unit: string
  readonly ours: readonly number[]
  readonly bare: readonly number[]
  readonly ratio: number
  readonly goal: string
  readonly isMet: boolean
}

/** What is worth knowing and is compared with nothing. */
export type Fact = { readonly name: string; readonly unit: string; readonly value: number }

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}

/** Compares round by round, so that what slows the machine down for a while slows down both. */
export function compare(given: {
  readonly name: string
  readonly unit: string
  readonly ours: readonly number[]
  readonly bare: readonly number[]
  readonly goal: { readonly most: number } | { readonly least: number }
}): Comparison {
  const { ours, bare, goal, name, unit } = given
  const ratio = median(ours.map((value, round) => value / (bare[round] ?? Number.NaN)))
  return 'most' in goal
    ? { name, unit, ours, bare, ratio, goal: `at most ${goal.most}`, isMet: ratio <= goal.most }
    : { name, unit, ours, bare, ratio, goal: `at least ${goal.least}`, isMet: ratio >= goal.least }
}
