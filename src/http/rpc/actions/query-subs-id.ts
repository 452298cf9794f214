import { Type } from 'typebox'
import { DomainError } from '../../../domain/errors.ts'
import type { PoolKey } from '../../../domain/ids.ts'
import { type ActionContext, defineAction } from '../action.ts'
import { GatewayError } from '../gateway-error.ts'
import { poolKeyIn, virtualIn } from '../reading.ts'
import { phoneField, poolKeyField } from './fields.ts'
import { numberInPool } from './number-in-pool.ts'

/** Live ones, oldest first, separated by commas; empty when there is none. */
export const querySubsId = defineAction({
  name: 'QuerySubsId',
  scope: 'read',
  perSecondMax: 5_000,
  schema: Type.Object({ PoolKey: poolKeyField, PhoneNoX: phoneField }),
  async run(asked, context) {
    const poolKey = await poolOrGatewayError(asked.PoolKey, context)
    const x = virtualIn(asked.PhoneNoX, context)
    await numberInPool(x, poolKey, context)
    const ids = await context.rooms.bindings.liveOn(context.accountId, x)
    return { SubsId: ids.join(',') }
  },
})

/** Unlike all other actions (product-semantics 3.2). */
async function poolOrGatewayError(text: string, context: ActionContext): Promise<PoolKey> {
  try {
    return (await context.rooms.pools.get(context.accountId, poolKeyIn(text))).key
  } catch (err) {
    if (!(err instanceof DomainError) || err.code !== 'pool-unknown') throw err
    throw Object.assign(new GatewayError(400, 'POOLKEY_NOT_EXIST', err.message), { cause: err })
  }
}
