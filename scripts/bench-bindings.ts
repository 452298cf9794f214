import { benchSizes } from './bench-bindings-sizes.ts'
import { benchWrites } from './bench-bindings-writes.ts'
import type { Comparison, Fact } from './bench-comparison.ts'
import { startBenchGround } from './bench-ground.ts'

export type BindingsShape = {
  readonly rounds: number
  /** Bindings of one round of binding and unbinding. */
  readonly count: number
  readonly numbers: number
  readonly sizes: readonly number[]
  readonly measuredMs?: number
  say(text: string): void
}

/** Short and many: what disturbs one of them does not decide. */
const roundsPerRound = 3

/** Binds and unbinds per second, lookups per second by how many bindings there are, and bytes of each. */
export async function benchBindings(
  shape: BindingsShape,
): Promise<{ comparisons: readonly Comparison[]; facts: readonly Fact[] }> {
  const ground = await startBenchGround()
  try {
    const rounds = shape.rounds * roundsPerRound
    const writes = await benchWrites(ground, { ...shape, rounds })
    const { comparisons, facts } = await benchSizes(ground, { ...shape, rounds })
    return { comparisons: [...writes, ...comparisons], facts }
  } finally {
    await ground.stop()
  }
}
