import { createTally } from './tally.ts'

/** Pieces of work of one worker that run beside each other: each key once, and not too many. */
export type Turns = {
  /**
   * Does nothing when one with this key is running, or no room is left, or none for this account.
   * `run` resolves to whether there may be more.
   */
  start(of: { key: string; accountId: string }, run: () => Promise<boolean>): void
  /** When nothing that was started is under way. */
  settled(): Promise<void>
}

export function createTurns(deps: {
  atOnce: number
  /** Of one account: whatever its receivers do, there is room for others. */
  perAccountMax: number
  /** One has ended, and there may be more to do. */
  onMore(): void
  onFault(err: unknown, key: string): void
}): Turns {
  const running = new Map<string, Promise<void>>()
  const byAccount = createTally<string>()

  return {
    start({ key, accountId }, run) {
      if (running.has(key) || running.size >= deps.atOnce) return
      if (byAccount.of(accountId) >= deps.perAccountMax) return
      byAccount.add(accountId, 1)
      const ended = run()
        .catch((err: unknown) => {
          deps.onFault(err, key)
          return false
        })
        .then((more) => {
          running.delete(key)
          byAccount.add(accountId, -1)
          if (more) deps.onMore()
        })
      running.set(key, ended)
    },
    async settled() {
      while (running.size > 0) await Promise.all(running.values())
    },
  }
}

/** With more to do than can be done at once, nobody is always the last. */
export function inAnyOrder<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)
}
