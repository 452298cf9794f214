import type { PoolKey } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { ReadCaller } from './route-cache.ts'

/**
 * Of each kind: more is not kept in one record, or a caller who is in every pair of a long blacklist
 * would have megabytes read for each of its calls.
 */
const heldMax = 500

/** What is held about one caller. Version zero: never anything. */
export async function findCaller(sql: Sql, party: string): Promise<ReadCaller> {
  const [row] = await sql.rows<{
    version: string | null
    groups: string[]
    blocked_by: string[]
    blocked_from: [string, string][]
  }>({
    name: 'resolve.find-caller',
    text: `
      select (select version from caller_version where party = $1) as version,
             array(select group_id::text from group_member where party = $1 limit $2) as groups,
             array(select pool_key from blocked_caller where party = $1 limit $2) as blocked_by,
             (select coalesce(json_agg(json_build_array(pool_key, other)), '[]') from (
                (select pool_key, second_party as other from blocked_pair
                  where first_party = $1 and way in ('DUPLEX_REJECT', 'PHONEB_REJECT') limit $2)
                union
                (select pool_key, first_party from blocked_pair
                  where second_party = $1 and way in ('DUPLEX_REJECT', 'PHONEA_REJECT') limit $2)
              ) as pair) as blocked_from`,
    values: [party, heldMax + 1],
  })
  const { groups = [], blocked_by: blockedBy = [], blocked_from: blockedFrom = [] } = row ?? {}
  const isMuch = [groups, blockedBy, blockedFrom].some((each) => each.length > heldMax)
  return {
    party,
    version: Number(row?.version ?? 0),
    holdings: isMuch
      ? 'much'
      : {
          groups,
          blockedBy: blockedBy as PoolKey[],
          blockedFrom: blockedFrom as [PoolKey, string][],
        },
  }
}

/** What counts for one call, of a caller about whom much is held. */
export async function findHeld(
  sql: Sql,
  asked: {
    readonly party: string
    readonly poolKey: PoolKey
    readonly groupId: string | undefined
    /** Whom the call may reach. */
    readonly others: readonly string[]
  },
): Promise<{
  readonly blockedByPool: boolean
  readonly barredFrom: readonly string[]
  readonly inGroup: boolean
}> {
  const { party, poolKey, groupId, others } = asked
  const [row] = await sql.rows<{ blocked: boolean; barred: string[]; member: boolean }>({
    name: 'resolve.find-held',
    text: `
      select exists (select 1 from blocked_caller where pool_key = $2 and party = $1) as blocked,
             array(select other from unnest($4::text[]) as other
                    where exists (select 1 from blocked_pair
                                   where pool_key = $2 and first_party = $1 and second_party = other
                                     and way in ('DUPLEX_REJECT', 'PHONEB_REJECT'))
                       or exists (select 1 from blocked_pair
                                   where pool_key = $2 and first_party = other and second_party = $1
                                     and way in ('DUPLEX_REJECT', 'PHONEA_REJECT'))) as barred,
             exists (select 1 from group_member where group_id = $3 and party = $1) as member`,
    values: [party, poolKey, groupId, others],
  })
  return {
    blockedByPool: row?.blocked ?? false,
    barredFrom: row?.barred ?? [],
    inGroup: row?.member ?? false,
  }
}
