import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { poolKeyIn, virtualIn } from '../reading.ts'
import { phoneField, poolKeyField } from './fields.ts'
import { numberInPool } from './number-in-pool.ts'

/** For good, and only when nothing is bound to it. */
export const releaseSecretNo = defineAction({
  name: 'ReleaseSecretNo',
  scope: 'numbers',
  perSecondMax: 500,
  schema: Type.Object({ PoolKey: poolKeyField, SecretNo: phoneField }),
  async run(asked, context) {
    const x = virtualIn(asked.SecretNo, context)
    await numberInPool(x, poolKeyIn(asked.PoolKey), context)
    await context.rooms.numbers.remove(context.accountId, x)
    return {}
  },
})
