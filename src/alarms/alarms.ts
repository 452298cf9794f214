import type { AccountId, PoolKey } from '../domain/ids.ts'
import { pageFrom, pageLimit, placeIn, serialPattern } from '../platform/pages.ts'
import type { Query, Sql } from '../platform/sql.ts'
import { type Alarm, type AlarmFilter, type AlarmKind, alarmKinds } from './alarm.ts'

export type Alarms = {
  /** Newest first. */
  list(filter: AlarmFilter): Promise<AlarmPage>
}

type AlarmPage = { readonly items: readonly Alarm[]; readonly nextCursor: string | undefined }

export function createAlarms({ sql }: { sql: Sql }): Alarms {
  return {
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<AlarmRow>(listQuery(filter, limit))
      return pageFrom(rows, limit, { item: alarmFrom, place: ({ id }) => id })
    },
  }
}

/** Of all accounts: how many there are of each kind that are not over. */
export async function countOpenAlarms(sql: Sql): Promise<ReadonlyMap<AlarmKind, number>> {
  const rows = await sql.rows<{ kind: AlarmKind; open: number }>({
    name: 'alarms.count-open',
    text: 'select kind, count(*)::int as open from alarm where cleared_at is null group by kind',
    values: [],
  })
  const counted = new Map(rows.map(({ kind, open }) => [kind, open]))
  return new Map(alarmKinds.map((kind) => [kind, counted.get(kind) ?? 0]))
}

type AlarmRow = {
  readonly id: string
  readonly account_id: string
  readonly kind: string
  readonly pool_key: string | null
  readonly percent: number | null
  readonly threshold: number | null
  readonly subject: string | null
  readonly facts: Alarm['facts']
  readonly raised_at: Date
  readonly cleared_at: Date | null
  readonly unwatched: boolean
}

function listQuery(filter: AlarmFilter, limit: number): Query {
  return {
    name: 'alarms.list',
    text: `
      select id, account_id, kind, pool_key, percent::float8 as percent, threshold, subject, facts,
             raised_at, cleared_at, unwatched
        from alarm
       where account_id = $1 and ($2::text is null or pool_key = $2)
         and ($3::boolean is null or (cleared_at is null) = $3)
         and ($4::bigint is null or id < $4)
         and ($6::text is null or kind = $6)
         and ($7::timestamptz is null or coalesce(cleared_at, raised_at) >= $7)
       order by id desc limit $5`,
    values: [
      ...[filter.accountId, filter.poolKey, filter.open, placeIn(filter.cursor, serialPattern)],
      ...[limit + 1, filter.kind, filter.since],
    ],
  }
}

function alarmFrom(row: AlarmRow): Alarm {
  return {
    id: row.id,
    accountId: row.account_id as AccountId,
    kind: row.kind as AlarmKind,
    poolKey: (row.pool_key ?? undefined) as PoolKey | undefined,
    percent: row.percent ?? undefined,
    threshold: row.threshold ?? undefined,
    subject: row.subject ?? undefined,
    facts: row.facts,
    raisedAt: row.raised_at,
    clearedAt: row.cleared_at ?? undefined,
    unwatched: row.unwatched,
  }
}
