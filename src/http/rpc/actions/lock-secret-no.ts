import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { poolKeyIn, virtualIn } from '../reading.ts'
import { phoneField, poolKeyField } from './fields.ts'
import { numberInPool } from './number-in-pool.ts'

/** It takes no new bindings; those it has go on. */
export const lockSecretNo = defineAction({
  name: 'LockSecretNo',
  scope: 'numbers',
  perSecondMax: 500,
  schema: Type.Object({ PoolKey: poolKeyField, SecretNo: phoneField }),
  async run(asked, context) {
    const x = virtualIn(asked.SecretNo, context)
    await numberInPool(x, poolKeyIn(asked.PoolKey), context)
    await context.rooms.numbers.lock(context.accountId, x)
    return {}
  },
})
