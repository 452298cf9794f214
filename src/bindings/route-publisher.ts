import type { VirtualNumber } from '../domain/ids.ts'
import type { RouteChange, RouteInvalidation } from '../domain/route-change.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import { markDrained, undrainedOf } from './invalidations.ts'
import type { RouteRecords } from './ports.ts'

/**
 * A router looks at Postgres every half second for changes that are a second old and not yet in
 * Redis, and stops believing Redis about their X. So after this long no router is wrong about the
 * change, whether or not Redis ever had it: 1 s + 0.5 s + 1 s for the look itself to be slow.
 */
const suspectedAfterMs = 2_500
const retryMs = 200

/** Makes a committed change true for calls. When `publish` resolves, the next call sees the change. */
export function createRoutePublisher(deps: {
  sql: Sql
  records: Pick<RouteRecords, 'write' | 'forget'>
  log: Logger
}) {
  const { sql, records, log } = deps
  let drained: string[] = []
  let marking: Promise<void> | undefined

  /** One statement at a time, with all that came while the last one ran. */
  function noteDrained(id: string): void {
    drained.push(id)
    marking ??= markAll().finally(() => {
      marking = undefined
    })
  }

  async function markAll(): Promise<void> {
    while (drained.length > 0) {
      const ids = drained
      drained = []
      // Not marked is not lost: the keeper drains it once more.
      await markDrained(sql, ids).catch((err: unknown) => {
        log.warn({ err, rows: ids.length }, 'drained changes could not be marked')
      })
    }
  }

  async function untilWritten(
    write: () => Promise<void>,
    x: VirtualNumber | undefined,
  ): Promise<boolean> {
    const giveUpAt = performance.now() + suspectedAfterMs
    for (;;) {
      try {
        await write()
        return true
      } catch (err) {
        if (performance.now() + retryMs > giveUpAt) {
          log.warn({ err, x }, 'a change is not in redis; routers ask postgres about this number')
          await pause(giveUpAt - performance.now())
          return false
        }
        await pause(retryMs)
      }
    }
  }

  /** For changes whose records are not at hand: the next call reads them anew. */
  async function forget(rows: readonly RouteInvalidation[]): Promise<void> {
    const [first] = rows
    if (first === undefined) return
    if (await untilWritten(() => records.forget(rows), first.x)) {
      for (const { id } of rows) noteDrained(id)
    }
  }

  return {
    async publish(change: RouteChange): Promise<void> {
      if (await untilWritten(() => records.write(change), change.x)) noteDrained(change.id)
    },

    forget,

    /** For an answer that is given a second time: whoever gave it first may have died before publishing. */
    async settle(x: VirtualNumber): Promise<void> {
      await forget(await undrainedOf(sql, x))
    },

    /** Resolves when nothing is left to mark. */
    async close(): Promise<void> {
      await marking
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))
}
