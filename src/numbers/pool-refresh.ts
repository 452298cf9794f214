import type { PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { Sql } from '../platform/sql.ts'

/** Numbers whose rows one statement locks, for some 20 ms. */
const batchNumbers = 1_000
/** The worker also has other things to do. */
const batchesPerRound = 10
/**
 * A router looks every half second at which pools are being walked, and asks Postgres about their X
 * (`resolve/cache-trust.ts`): so long after the commit every call sees the change, walked or not.
 * The look itself has 2 s.
 */
const knownAfterMs = 2_500
/** Whoever walks notes it with every batch; longer than the publisher waits for a Redis that is away. */
const leftMs = 6_000
/** With Redis away a batch takes seconds to be given up; the next one does not wait for that. */
const lateMs = 500
const pollMs = 50

/**
 * Brings a change of a pool's settings to the calls. The change writes a row into `pool_refresh` in
 * its own transaction. Then every X of the pool is given a new version and forgotten in the cache,
 * so that the next call reads it with the settings of now. The row goes when all are through;
 * until then calls to the pool are looked up in Postgres, and a worker can finish what a crash has
 * cut short. So nobody has to wait for a large pool to be walked. Each change is a generation of its
 * own: a later one starts from the first number again, and the earlier one's walk leaves its row alone.
 */
export type PoolRefresh = {
  /** Resolves when every call sees what this generation has changed; a long walk goes on behind that. */
  run(poolKey: PoolKey, generation: string): Promise<void>
  /** Resolves when every call sees what was changed before, going on with a walk that was left. */
  settle(poolKey: PoolKey): Promise<void>
  /** A worker's part of what was left, for a few hundred milliseconds at most. */
  finishLeft(): Promise<void>
}

type Walk = {
  readonly poolKey: string
  readonly generation: string
  readonly from: number
  readonly batchesMax: number
}

export function createPoolRefresh(deps: {
  sql: Sql
  publisher: { forget(rows: readonly RouteInvalidation[]): Promise<void> }
}): PoolRefresh {
  const { sql, publisher } = deps

  /** Resolves to whether it came to the end. */
  async function walk({ poolKey, generation, from, batchesMax }: Walk): Promise<boolean> {
    const telling: Promise<void>[] = []
    let position = from
    let late = false
    try {
      for (let batch = 0; batch < batchesMax; batch += 1) {
        const { last, changes } = await takeBatch(sql, { poolKey, generation, from: position })
        if (last === undefined) {
          await Promise.all(telling)
          await finish(sql, poolKey, generation)
          return true
        }
        const told = publisher.forget(changes)
        telling.push(told)
        late = late || (await takesLonger(told, lateMs))
        position = last + 1
      }
    } finally {
      await Promise.allSettled(telling)
    }
    await leave(sql, poolKey, generation)
    return false
  }

  return {
    async run(poolKey, generation) {
      const walking = walk({ poolKey, generation, from: 0, batchesMax: Number.POSITIVE_INFINITY })
      await takesLonger(walking, knownAfterMs)
    },

    async settle(poolKey) {
      const knownAt = performance.now() + knownAfterMs
      while (performance.now() < knownAt && (await isUnderWay(sql, poolKey))) {
        const left = await claimLeft(sql, poolKey)
        if (left === undefined) await pause(pollMs)
        else {
          const walking = walk({ ...left, batchesMax: Number.POSITIVE_INFINITY })
          await takesLonger(walking, knownAt - performance.now())
        }
      }
    },

    async finishLeft() {
      const left = await claimLeft(sql, undefined)
      if (left !== undefined) await walk({ ...left, batchesMax: batchesPerRound })
    },
  }
}

type Taken = {
  readonly last: number | null
  readonly changes: readonly { id: string; x: string; version: string }[]
}

/**
 * By position, so that a walk can go on where another ended; locked in the order of X, as everybody
 * who locks several does. A number that has just gone to another pool is told of it twice.
 */
async function takeBatch(
  sql: Sql,
  { poolKey, generation, from }: Pick<Walk, 'poolKey' | 'generation' | 'from'>,
): Promise<{ last: number | undefined; changes: readonly RouteInvalidation[] }> {
  const [row] = await sql.rows<Taken>({
    name: 'pools.refresh-batch',
    text: `
      with batch as materialized (
        select x, position from number where pool_key = $1 and position >= $2
         order by position limit ${batchNumbers}
      ), locked as materialized (
        select n.x from number n where n.x in (select x from batch)
         order by n.x for no key update
      ), bumped as (
        update number n set version = nextval('route_version') from locked where n.x = locked.x
        returning n.x, n.version
      ), noted as (
        insert into invalidation (x, version, parties) select x, version, '{}' from bumped
        returning id, x, version
      ), walked as (
        update pool_refresh
           set next_position = (select max(position) from batch) + 1, touched_at = clock_timestamp()
         where pool_key = $1 and generation = $3 and exists (select 1 from batch)
      )
      select (select max(position) from batch) as last,
             (select coalesce(json_agg(json_build_object(
                'id', id::text, 'x', x, 'version', version::text)), '[]') from noted) as changes`,
    values: [poolKey, from, generation],
  })
  const changes = (row?.changes ?? []).map(({ id, x, version }) => ({
    id,
    x: x as VirtualNumber,
    version: Number(version),
    parties: [],
  }))
  return { last: row?.last ?? undefined, changes }
}

async function finish(sql: Sql, poolKey: string, generation: string): Promise<void> {
  await sql.rows({
    name: 'pools.refresh-finish',
    text: 'delete from pool_refresh where pool_key = $1 and generation = $2',
    values: [poolKey, generation],
  })
}

/** For whoever comes next, at once. */
async function leave(sql: Sql, poolKey: string, generation: string): Promise<void> {
  await sql.rows({
    name: 'pools.refresh-leave',
    text: `
      update pool_refresh set touched_at = to_timestamp(0)
       where pool_key = $1 and generation = $2`,
    values: [poolKey, generation],
  })
}

async function isUnderWay(sql: Sql, poolKey: string): Promise<boolean> {
  const rows = await sql.rows({
    name: 'pools.refresh-under-way',
    text: 'select 1 from pool_refresh where pool_key = $1',
    values: [poolKey],
  })
  return rows.length > 0
}

/** One walk that nobody goes on with: of this pool, or of any. */
async function claimLeft(
  sql: Sql,
  poolKey: string | undefined,
): Promise<Omit<Walk, 'batchesMax'> | undefined> {
  const [row] = await sql.rows<{ pool_key: string; generation: string; next_position: number }>({
    name: 'pools.refresh-claim',
    text: `
      update pool_refresh set touched_at = clock_timestamp()
       where pool_key = (
               select pool_key from pool_refresh
                where touched_at < clock_timestamp() - $2 * interval '1 millisecond'
                  and ($1::text is null or pool_key = $1)
                order by touched_at limit 1 for update skip locked)
      returning pool_key, generation, next_position`,
    values: [poolKey, leftMs],
  })
  if (row === undefined) return undefined
  return { poolKey: row.pool_key, generation: row.generation, from: row.next_position }
}

/** Rejects when the work fails within the time; what becomes of it later is a worker's to see. */
async function takesLonger(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), ms)
  })
  try {
    return await Promise.race([work.then(() => false), limit])
  } finally {
    clearTimeout(timer)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
