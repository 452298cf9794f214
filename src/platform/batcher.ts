export type Batcher<Item, Result> = {
  /** Resolves with what became of this one; rejects when its batch failed. */
  add(item: Item): Promise<Result>
  /** Waiting, without those that are being written. */
  size(): number
  /** Resolves when there is nothing left to write. */
  idle(): Promise<void>
}

type Waiting<Item, Result> = {
  readonly item: Item
  resolve(result: Result): void
  reject(err: unknown): void
}

/**
 * One write at a time: what comes meanwhile goes together into the next. So a lone item waits for
 * nobody, and under load the writes grow instead of their number. `write` gives one result per
 * item, in order.
 */
export function createBatcher<Item, Result>(deps: {
  atOnce: number
  write(items: readonly Item[]): Promise<readonly Result[]>
}): Batcher<Item, Result> {
  const waiting: Waiting<Item, Result>[] = []
  let running: Promise<void> | undefined

  async function writeBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await deps.write(batch.map(({ item }) => item))
      for (const [at, each] of batch.entries()) each.resolve(results[at] as Result)
    } catch (err) {
      for (const each of batch) each.reject(err)
    }
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) await writeBatch(waiting.splice(0, deps.atOnce))
    running = undefined
  }

  return {
    add(item) {
      const written = new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject })
      })
      running ??= run()
      return written
    },
    size: () => waiting.length,
    async idle() {
      await running
    },
  }
}
