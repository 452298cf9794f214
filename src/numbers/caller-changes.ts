import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'

/**
 * To be called in a transaction before what is held about these people is changed, and with each of
 * them once. Takes a new version for each under the lock of its row, in one order whoever asks, so
 * that changes of the same people never wait for each other in a circle and versions are in the
 * order of the commits. Resolves to what the cache is to forget after the commit.
 */
export async function changeCallers(
  session: Sql,
  parties: readonly string[],
): Promise<readonly RouteInvalidation[]> {
  if (parties.length === 0) return []
  const rows = await session.rows<{ id: string; version: string; parties: string[] }>({
    name: 'callers.change',
    text: `
      with changed as (
        insert into caller_version (party)
        select party from unnest($1::text[]) as party order by party
        on conflict (party) do update set version = nextval('route_version')
        returning party, version
      )
      insert into invalidation (version, parties)
      select version, array[party] from changed
      returning id, version, parties`,
    values: [parties],
  })
  return rows.map(({ id, version, parties: [...changed] }) => ({
    id,
    x: undefined,
    version: Number(version),
    parties: changed,
  }))
}
