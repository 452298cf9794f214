import type { NumberState, Product } from '../domain/call.ts'
import type { AccountId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import { li } from '../domain/money.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import type { XNumber } from './number.ts'

export type NumberRow = {
  readonly x: string
  readonly account_id: string
  readonly pool_key: string
  readonly product: string
  readonly class: number
  readonly carrier: number | null
  readonly city: string | null
  readonly province: string | null
  readonly state: string
  readonly bound: number
  readonly capacity: number
  readonly certified: boolean
  readonly note: string | null
  readonly rent_li: string | null
  readonly order_id: string | null
  readonly created_at: Date
}

/** What a change of X returns besides its row. */
export type NumberChangeRow = NumberRow & {
  readonly version: string
  readonly invalidation_id: string
}

/** Of a number `n` and its pool `p`. */
export const numberColumns = `
  n.x, n.account_id, n.pool_key, p.product, n.class, n.carrier, n.city, n.province, n.state,
  n.bound, n.capacity, n.certified, n.note, n.rent_li, n.order_id, n.created_at`

export function numberFrom(row: NumberRow): XNumber {
  return {
    x: row.x as VirtualNumber,
    accountId: row.account_id as AccountId,
    poolKey: row.pool_key as PoolKey,
    product: row.product as Product,
    class: row.class as XNumber['class'],
    carrier: (row.carrier as XNumber['carrier'] | null) ?? undefined,
    city: row.city ?? undefined,
    province: row.province ?? undefined,
    state: row.state as NumberState,
    bindings: row.bound,
    capacity: row.capacity,
    certified: row.certified,
    note: row.note ?? undefined,
    rent: row.rent_li === null ? undefined : li(Number(row.rent_li)),
    orderId: row.order_id ?? undefined,
    createdAt: row.created_at,
  }
}

export function changeOf(
  row: Pick<NumberChangeRow, 'x' | 'version' | 'invalidation_id'>,
): RouteInvalidation {
  const { invalidation_id: id, x, version } = row
  return { id, x: x as VirtualNumber, version: Number(version), parties: [] }
}
