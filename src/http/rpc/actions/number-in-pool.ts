import { DomainError } from '../../../domain/errors.ts'
import type { PoolKey, VirtualNumber } from '../../../domain/ids.ts'
import type { XNumber } from '../../../numbers/number.ts'
import type { ActionContext } from '../action.ts'

/** A number of another pool is as good as none. */
export async function numberInPool(
  x: VirtualNumber,
  poolKey: PoolKey,
  context: ActionContext,
): Promise<XNumber> {
  const number = await context.rooms.numbers.get(context.accountId, x)
  if (number.poolKey === poolKey) return number
  throw new DomainError('number-not-in-pool', 404, 'This number is not in this pool.', {
    vendorCode: 'isv.NO_NOT_EXIST',
  })
}
