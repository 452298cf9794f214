import { randomInt } from 'node:crypto'
import type { AccountId, VirtualNumber } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import { changeOf } from './number-rows.ts'
import { numberBound, numberUnknown } from './refusals.ts'

const signed32 = 2 ** 31

/**
 * Gives X back for good. What came out of the operator's stock returns there and rests; one that
 * was frozen or faulty waits for the operator. What its owner had added is gone. Who had it is kept.
 * The foreign key of the legs refuses while anything is bound, also what has expired and was not
 * swept yet.
 */
export async function releaseNumber(
  sql: Sql,
  asked: { readonly accountId: AccountId; readonly x: VirtualNumber; readonly restDays: number },
): Promise<RouteInvalidation> {
  try {
    const [row] = await sql.rows<{ version: string; invalidation_id: string }>({
      name: 'numbers.release',
      text: `
        with gone as (
          delete from number where x = $1 and account_id = $2 returning *
        ), kept as (
          insert into released_number (x, account_id, pool_key, product, class, city, order_id,
                                       rent_li, owned_from)
          select g.x, g.account_id, g.pool_key, p.product, g.class, g.city, g.order_id, g.rent_li,
                 g.created_at
            from gone g join pool p on p.key = g.pool_key
        ), back as (
          update stock s
             set state = case when g.state in ('frozen', 'faulty') then 'withdrawn' else 'returned' end,
                 rests_until = case when g.state not in ('frozen', 'faulty')
                                    then now() + make_interval(days => $3) end,
                 shuffle = $4, changed_at = now()
            from gone g where s.x = g.x
        ), noted as (
          insert into invalidation (x, version, parties)
          select x, nextval('route_version'), '{}' from gone
          returning id, version
        )
        select version, id as invalidation_id from noted`,
      values: [asked.x, asked.accountId, asked.restDays, randomInt(-signed32, signed32)],
    })
    if (row === undefined) throw numberUnknown()
    return changeOf({ x: asked.x, ...row })
  } catch (err) {
    if (violatedConstraint(err) === 'binding_leg_x_fkey') throw numberBound()
    throw err
  }
}
