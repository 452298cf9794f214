import { randomInt } from 'node:crypto'
import type { Query, Sql } from '../platform/sql.ts'
import { beginningRange } from './beginning.ts'
import type { NumberClass } from './price-list.ts'

export type Taken = {
  readonly x: string
  readonly x_index: string
  readonly province: string | null
  readonly carrier: number | null
}

export type Ask = {
  readonly class: NumberClass
  readonly city: string
  readonly quantity: number
  readonly beginning?: string | undefined
}

const signed32 = 2 ** 31

/**
 * Sells at random, in the transaction that it is given. Resolves to fewer than were asked when no
 * more are to be had: then the caller must roll back. `wait`: also for those that other orders hold
 * at this moment and may leave.
 */
export async function takeStock(sql: Sql, ask: Ask, wait: boolean): Promise<readonly Taken[]> {
  const { beginning } = ask
  if (beginning === undefined) return sql.rows<Taken>(takeQuery(ask, wait))
  return takeBeginning(sql, { ...ask, range: beginningRange(beginning) }, wait)
}

/**
 * Left alone: an X that takes part in a live binding as a real number, and one that was added to a
 * pool by hand in the very moment in which it was imported.
 */
const usable = `
  s.state = 'free' and s.class = $1 and s.city = $2
  and not exists (select 1 from number n where n.x = s.x)
  and not exists (select 1 from binding_leg l
                   where l.party = s.x_index and l.expires_at > now())`

const sell = `
  update stock s set state = 'sold', changed_at = now()
    from picked where s.x = picked.x
  returning s.x, s.x_index, s.province, s.carrier`

/**
 * From a random start in the random order, and from its beginning when the end is reached. Those
 * who wait all start at the beginning, so that they wait in one order.
 */
function takeQuery({ class: class_, city, quantity }: Ask, wait: boolean): Query {
  const start = wait ? -signed32 : randomInt(-signed32, signed32)
  const locked = wait ? 'for no key update' : 'for no key update skip locked'
  return {
    name: wait ? 'stock.take-waiting' : 'stock.take',
    text: `
      with ahead as materialized (
        select s.x from stock s where ${usable} and s.shuffle >= $3
         order by s.shuffle limit $4 ${locked}
      ), behind as materialized (
        select s.x from stock s where ${usable} and s.shuffle < $3
         order by s.shuffle limit $4 - (select count(*) from ahead) ${locked}
      ), picked as (
        select x from ahead union all select x from behind
      ) ${sell}`,
    values: [class_, city, start, quantity],
  }
}

/** So many are looked at before the index of beginnings is asked: short beginnings are common, long ones are rare. */
const lookedAt = 2_000
/** Others may hold some of those that were found. */
const spare = 64

async function takeBeginning(
  sql: Sql,
  { class: class_, city, quantity, range }: Ask & { range: readonly [string, string] },
  wait: boolean,
): Promise<readonly Taken[]> {
  const start = wait ? -signed32 : randomInt(-signed32, signed32)
  const near = await sql.rows<Taken>({
    name: wait ? 'stock.take-near-waiting' : 'stock.take-near',
    text: `
      with near as materialized (
        select s.x, s.shuffle from stock s
         where s.state = 'free' and s.class = $1 and s.city = $2 and s.shuffle >= $6
         order by s.shuffle limit ${lookedAt}
      ), found as materialized (
        select x, shuffle from near where x ~>=~ $4 and x ~<~ $5
      ) ${pickFound(wait)}`,
    values: [class_, city, quantity, ...range, start],
  })
  if (near.length === quantity) return near
  const far = await sql.rows<Taken>({
    name: wait ? 'stock.take-beginning-waiting' : 'stock.take-beginning',
    text: `
      with found as materialized (
        select s.x, s.shuffle from stock s
         where s.state = 'free' and s.class = $1 and s.city = $2 and s.x ~>=~ $4 and s.x ~<~ $5
      ) ${pickFound(wait)}`,
    values: [class_, city, quantity - near.length, ...range],
  })
  return [...near, ...far]
}

/** By an array, because the planner would read the whole stock for a join. */
function pickFound(wait: boolean): string {
  return `, picked as materialized (
    select s.x from stock s
     where s.x = any(array(select x from found order by shuffle limit $3::int + ${spare}))
       and ${usable}
     order by s.shuffle limit $3 for no key update of s ${wait ? '' : 'skip locked'}
  ) ${sell}`
}
