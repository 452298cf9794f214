import { createHash } from 'node:crypto'
import { DomainError } from '../domain/errors.ts'
import type { AccountId } from '../domain/ids.ts'
import { type BindDeps, createBind } from './bind.ts'
import type { BindCommand, Binding, BindingRef } from './binding.ts'
import { checkKey } from './check-terms.ts'
import { hashOf, rememberWhole } from './idempotency.ts'
import { createUnbind } from './unbind.ts'

/** What became of one of many: the binding as it is now, or why nothing was done. */
export type BulkOutcome =
  | { readonly binding: Binding; readonly refusal?: undefined }
  | { readonly binding?: undefined; readonly refusal: DomainError }

const itemsMax = 500
/** Statements at once: some of the pool's connections, so that others still get one. */
const atOnceMax = 5

export function createBulk(deps: BindDeps) {
  const { vault, clock, publish } = deps

  /** Published all together at the end: with Redis away each waits, but all at the same time. */
  async function publishingTogether<T>(
    work: (publishLater: BindDeps['publish']) => Promise<T>,
  ): Promise<T> {
    const publishing: Promise<void>[] = []
    try {
      return await work(async (change) => {
        publishing.push(publish(change))
      })
    } finally {
      await Promise.all(publishing)
    }
  }

  /** `all`: name of the operation, then its items. */
  async function keysOf(accountId: AccountId, idempotencyKey: string | undefined, all: unknown[]) {
    const fault = checkKey(idempotencyKey) ?? checkCount(all.length - 1)
    if (fault !== undefined) throw fault
    if (idempotencyKey === undefined) return { fresh: true, keyOf: () => undefined }
    const asked = { accountId, idempotencyKey, requestHash: hashOf(all), now: clock.now() }
    const { fresh, since } = await rememberWhole(deps.sql, asked)
    const stem = createHash('sha256').update(idempotencyKey).digest('base64url')
    // The space keeps it apart from every key that a client may send.
    return { fresh, keyOf: (at: number) => `${stem} ${since.getTime()} ${at}` }
  }

  return {
    async bindMany(
      accountId: AccountId,
      commands: readonly BindCommand[],
      idempotencyKey?: string,
    ): Promise<readonly BulkOutcome[]> {
      const shown = commands.map((each) => ({
        ...each,
        a: vault.blindIndex(each.a),
        b: each.b === undefined ? undefined : vault.blindIndex(each.b),
      }))
      const { fresh, keyOf } = await keysOf(accountId, idempotencyKey, ['bind', ...shown])
      return publishingTogether((publishLater) => {
        const bind = createBind({ ...deps, publish: publishLater })
        return outcomes(commands, (command, at) =>
          bind({ ...command, accountId, idempotencyKey: keyOf(at) }, fresh),
        )
      })
    },

    async unbindMany(
      accountId: AccountId,
      refs: readonly BindingRef[],
      idempotencyKey?: string,
    ): Promise<readonly BulkOutcome[]> {
      const { keyOf } = await keysOf(accountId, idempotencyKey, ['unbind', ...refs])
      return publishingTogether((publishLater) => {
        const unbind = createUnbind({ ...deps, publish: publishLater })
        return outcomes(refs, (ref, at) => unbind({ ...ref, accountId, idempotencyKey: keyOf(at) }))
      })
    },
  }
}

function checkCount(count: number): DomainError | undefined {
  if (count >= 1 && count <= itemsMax) return undefined
  return new DomainError(
    'bulk-too-large',
    422,
    `A bulk has 1 to ${itemsMax} items. Send several requests.`,
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )
}

/** In the order of the items, a few at a time. What is no refusal is a bug, and ends it all when the rest is done. */
async function outcomes<Item>(
  items: readonly Item[],
  work: (item: Item, at: number) => Promise<Binding>,
): Promise<readonly BulkOutcome[]> {
  const done: BulkOutcome[] = []
  let next = 0
  async function take(): Promise<void> {
    for (let at = next++; at < items.length; at = next++) {
      done[at] = await outcomeOf(() => work(items[at] as Item, at))
    }
  }
  const takers = Array.from({ length: Math.min(atOnceMax, items.length) }, () => take())
  const failed = (await Promise.allSettled(takers)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
  return done
}

async function outcomeOf(work: () => Promise<Binding>): Promise<BulkOutcome> {
  try {
    return { binding: await work() }
  } catch (err) {
    if (err instanceof DomainError) return { refusal: err }
    throw err
  }
}
