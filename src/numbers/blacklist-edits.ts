import { DomainError } from '../domain/errors.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { BlockCaller, BlockedCallerRef, BlockedPairRef, BlockPair } from './blacklist-entry.ts'
import { changeCallers } from './caller-changes.ts'
import type { CallerRow, PairRow } from './list-blacklist.ts'

/** What is held about a caller is read whole with every call of his to a screened pool. */
const pairsPerNumberMax = 1_000

/**
 * The transactions behind the blacklist. Each locks the pool first, whose counters hold the limits,
 * then the callers, then entries. They tell the callers anew also when nothing has changed: whoever
 * did the same a moment ago may have died before calls saw it.
 */
type Edited<T> = { readonly result: T; readonly changes: readonly RouteInvalidation[] }

export async function blockCaller(
  session: Sql,
  vault: Vault,
  { poolKey, number, remark }: BlockCaller,
): Promise<Edited<{ row: CallerRow; added: boolean }>> {
  const party = vault.blindIndex(number)
  await lockPool(session, poolKey)
  const changes = await changeCallers(session, [party])
  const [row] = await session.rows<CallerRow & { added: boolean }>({
    name: 'blacklist.block-caller',
    text: `
      insert into blocked_caller as b (pool_key, party, sealed, remark)
      values ($1, $2, $3, $4)
      on conflict (pool_key, party) do update set remark = coalesce(excluded.remark, b.remark)
      returning b.id, b.pool_key, b.sealed, b.remark, b.created_at, xmax = 0 as added`,
    values: [poolKey, party, vault.seal(number), remark],
  })
  if (row === undefined) throw new Error('insert returned nothing')
  if (row.added) await count(session, poolKey, { callers: 1 })
  return { result: { row, added: row.added }, changes }
}

export async function removeCaller(
  session: Sql,
  vault: Vault,
  ref: BlockedCallerRef,
): Promise<Edited<boolean>> {
  await lockPool(session, ref.poolKey)
  const party = 'id' in ref ? await partyOfCaller(session, ref) : vault.blindIndex(ref.number)
  if (party === undefined) return { result: false, changes: [] }
  const changes = await changeCallers(session, [party])
  const gone = await session.rows({
    name: 'blacklist.remove-caller',
    text: 'delete from blocked_caller where pool_key = $1 and party = $2 returning 1',
    values: [ref.poolKey, party],
  })
  await count(session, ref.poolKey, { callers: -gone.length })
  return { result: gone.length > 0, changes }
}

export async function blockPair(
  session: Sql,
  vault: Vault,
  { poolKey, first, second, way, remark }: BlockPair,
): Promise<Edited<{ row: PairRow; added: boolean }>> {
  const parties = [vault.blindIndex(first), vault.blindIndex(second)]
  await lockPool(session, poolKey)
  const changes = await changeCallers(session, parties)
  const [row] = await session.rows<PairRow & { added: boolean }>({
    name: 'blacklist.block-pair',
    text: `
      insert into blocked_pair as b (pool_key, first_party, second_party, first_sealed,
                                     second_sealed, way, remark)
      values ($1, $2, $3, $4, $5, $6, $7)
      on conflict (pool_key, first_party, second_party) do update
         set way = excluded.way, remark = coalesce(excluded.remark, b.remark)
      returning b.id, b.pool_key, b.first_sealed, b.second_sealed, b.way, b.remark, b.created_at,
                xmax = 0 as added`,
    values: [poolKey, ...parties, vault.seal(first), vault.seal(second), way, remark],
  })
  if (row === undefined) throw new Error('insert returned nothing')
  if (row.added) {
    await checkPairsOf(session, poolKey, parties)
    await count(session, poolKey, { pairs: 1 })
  }
  return { result: { row, added: row.added }, changes }
}

export async function removePair(
  session: Sql,
  vault: Vault,
  ref: BlockedPairRef,
): Promise<Edited<boolean>> {
  await lockPool(session, ref.poolKey)
  const parties =
    'id' in ref
      ? await partiesOfPair(session, ref)
      : [vault.blindIndex(ref.first), vault.blindIndex(ref.second)]
  if (parties === undefined || parties[0] === parties[1]) return { result: false, changes: [] }
  const changes = await changeCallers(session, parties)
  const gone = await session.rows({
    name: 'blacklist.remove-pair',
    text: `
      delete from blocked_pair
       where pool_key = $1 and first_party = $2 and second_party = $3 returning 1`,
    values: [ref.poolKey, ...parties],
  })
  await count(session, ref.poolKey, { pairs: -gone.length })
  return { result: gone.length > 0, changes }
}

/** Nobody removes pools, so the one that was there a moment ago still is. */
async function lockPool(session: Sql, poolKey: string): Promise<void> {
  await session.rows({
    name: 'blacklist.lock-pool',
    text: 'select 1 from pool where key = $1 for no key update',
    values: [poolKey],
  })
}

async function count(
  session: Sql,
  poolKey: string,
  more: { callers?: number; pairs?: number },
): Promise<void> {
  await session.rows({
    name: 'blacklist.count',
    text: `
      update pool set blocked_callers = blocked_callers + $2, blocked_pairs = blocked_pairs + $3
       where key = $1 and ($2 <> 0 or $3 <> 0)`,
    values: [poolKey, more.callers ?? 0, more.pairs ?? 0],
  })
}

/** Under the locks of both, so that nobody adds to them meanwhile. */
async function checkPairsOf(
  session: Sql,
  poolKey: string,
  parties: readonly string[],
): Promise<void> {
  const [row] = await session.rows<{ most: number }>({
    name: 'blacklist.count-pairs-of',
    text: `
      select max((select count(*) from blocked_pair
                   where pool_key = $1 and first_party = party)
               + (select count(*) from blocked_pair
                   where pool_key = $1 and second_party = party))::int as most
        from unnest($2::text[]) as party`,
    values: [poolKey, parties],
  })
  if ((row?.most ?? 0) <= pairsPerNumberMax) return
  throw new DomainError(
    'too-many-pairs',
    409,
    `One of these numbers already stands in ${pairsPerNumberMax} pairs of this pool. Block it for the whole pool, or remove pairs.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )
}

async function partyOfCaller(
  session: Sql,
  { poolKey, id }: { poolKey: string; id: string },
): Promise<string | undefined> {
  const [row] = await session.rows<{ party: string }>({
    name: 'blacklist.party-of-caller',
    text: 'select party from blocked_caller where pool_key = $1 and id = $2::bigint',
    values: [poolKey, id],
  })
  return row?.party
}

async function partiesOfPair(
  session: Sql,
  { poolKey, id }: { poolKey: string; id: string },
): Promise<readonly string[] | undefined> {
  const [row] = await session.rows<{ first_party: string; second_party: string }>({
    name: 'blacklist.parties-of-pair',
    text: `
      select first_party, second_party from blocked_pair
       where pool_key = $1 and id = $2::bigint`,
    values: [poolKey, id],
  })
  return row === undefined ? undefined : [row.first_party, row.second_party]
}
