import type { Product } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import type { AccountId, PoolKey } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { blockCaller, blockPair, removeCaller, removePair } from './blacklist-edits.ts'
import type {
  BlacklistFilter,
  BlockCaller,
  BlockedCaller,
  BlockedCallerRef,
  BlockedPair,
  BlockedPairRef,
  BlockPair,
} from './blacklist-entry.ts'
import { callerFrom, listCallers, listPairs, pairFrom } from './list-blacklist.ts'
import type { Page } from './number.ts'
import { createPoolRefresh } from './pool-refresh.ts'
import { hasBlacklist, productsWithBlacklist } from './pool-rules.ts'
import { illegal, poolUnknown } from './refusals.ts'

/** `added` false: it was there already. Its remark, and the way of a pair, are as they were given now. */
export type Blocked<Entry> = { readonly entry: Entry; readonly added: boolean }

/** When any of these has resolved, the next call goes by it. Running calls go on. */
export type Blacklist = {
  blockCaller(command: BlockCaller): Promise<Blocked<BlockedCaller>>
  blockPair(command: BlockPair): Promise<Blocked<BlockedPair>>
  /** By its numbers, what is not there is as good as removed; by its id, it is unknown. */
  unblockCaller(ref: BlockedCallerRef): Promise<void>
  unblockPair(ref: BlockedPairRef): Promise<void>
  /** Newest first. */
  callers(filter: BlacklistFilter): Promise<Page<BlockedCaller>>
  pairs(filter: BlacklistFilter): Promise<Page<BlockedPair>>
}

export function createBlacklist(deps: {
  sql: Sql
  vault: Vault
  publisher: { forget(rows: readonly RouteInvalidation[]): Promise<void> }
}): Blacklist {
  const { sql, vault, publisher } = deps
  const refresh = createPoolRefresh(deps)

  /**
   * Before the first entry all numbers of the pool learn that there is a blacklist: calls look at
   * what is held against the caller only then. It stays so when the last entry is gone.
   */
  async function screen(accountId: AccountId, poolKey: PoolKey): Promise<void> {
    const [pool] = await sql.rows<{ product: string; generation: string | null }>({
      name: 'blacklist.screen',
      text: `
        with screened as (
          update pool set screened = true
           where key = $1 and account_id = $2 and product = any($3::text[]) and not screened
          returning key
        ), queued as (
          insert into pool_refresh (pool_key) select key from screened
          on conflict (pool_key) do update
             set next_position = 0, generation = nextval('route_version'),
                 touched_at = clock_timestamp()
          returning generation
        )
        select product, (select generation from queued) as generation
          from pool where key = $1 and account_id = $2`,
      values: [poolKey, accountId, productsWithBlacklist],
    })
    if (pool === undefined) throw poolUnknown()
    if (!hasBlacklist(pool.product as Product)) throw noBlacklist(pool.product)
    if (pool.generation === null) await refresh.settle(poolKey)
    else await refresh.run(poolKey, pool.generation)
  }

  async function edit<T>(
    work: (session: Sql) => Promise<{ result: T; changes: readonly RouteInvalidation[] }>,
  ): Promise<T> {
    const { result, changes } = await sql.transaction(work).catch((err: unknown) => {
      throw fullOr(err)
    })
    await publisher.forget(changes)
    return result
  }

  /** The pool of somebody else is as unknown as one that is not there. */
  async function check(accountId: AccountId, poolKey: PoolKey): Promise<void> {
    const [pool] = await sql.rows<{ product: string }>({
      name: 'blacklist.pool',
      text: 'select product from pool where key = $1 and account_id = $2',
      values: [poolKey, accountId],
    })
    if (pool === undefined) throw poolUnknown()
    if (!hasBlacklist(pool.product as Product)) throw noBlacklist(pool.product)
  }

  return {
    async blockCaller(command) {
      checkRemark(command.remark)
      await screen(command.accountId, command.poolKey)
      const { row, added } = await edit((session) => blockCaller(session, vault, command))
      return { entry: callerFrom(row, vault), added }
    },
    async blockPair(command) {
      checkRemark(command.remark)
      if (command.first.equals(command.second)) {
        throw illegal('A pair is two different numbers.')
      }
      await screen(command.accountId, command.poolKey)
      const { row, added } = await edit((session) => blockPair(session, vault, command))
      return { entry: pairFrom(row, vault), added }
    },
    async unblockCaller(ref) {
      await check(ref.accountId, ref.poolKey)
      const found = await edit((session) => removeCaller(session, vault, ref))
      if (!found && 'id' in ref) throw entryUnknown()
    },
    async unblockPair(ref) {
      await check(ref.accountId, ref.poolKey)
      const found = await edit((session) => removePair(session, vault, ref))
      if (!found && 'id' in ref) throw entryUnknown()
    },
    async callers(filter) {
      await check(filter.accountId, filter.poolKey)
      return listCallers(sql, vault, filter)
    },
    async pairs(filter) {
      await check(filter.accountId, filter.poolKey)
      return listPairs(sql, vault, filter)
    },
  }
}

function checkRemark(remark: string | undefined): void {
  if (remark === undefined) return
  const length = [...remark].length
  if (length < 1 || length > 200 || remark.includes('\0')) {
    throw illegal('A remark has 1 to 200 characters.')
  }
}

function fullOr(err: unknown): unknown {
  const constraint = violatedConstraint(err)
  if (constraint !== 'pool_blocked_callers_max' && constraint !== 'pool_blocked_pairs_max') {
    return err
  }
  return new DomainError(
    'blacklist-full',
    409,
    'The blacklist of this pool holds 100000 entries of this kind. Remove some first.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )
}

const noBlacklist = (product: string) =>
  new DomainError(
    'product-mismatch',
    409,
    `This pool holds ${product} numbers, and those have no blacklist; AXB, AXN, AXN_EXTENSION and 95AXN have.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

const entryUnknown = () =>
  new DomainError(
    'blacklist-entry-unknown',
    404,
    'This pool has no blacklist entry with this id.',
    {
      vendorCode: 'isv.INVALID_PARAMETERS',
    },
  )
