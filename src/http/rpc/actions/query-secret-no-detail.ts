import { Type } from 'typebox'
import type { XNumber } from '../../../numbers/number.ts'
import { beijingTime } from '../../../platform/beijing-time.ts'
import { defineAction } from '../action.ts'
import { poolKeyIn, virtualIn } from '../reading.ts'
import { phoneField, poolKeyField } from './fields.ts'
import { numberInPool } from './number-in-pool.ts'

export const querySecretNoDetail = defineAction({
  name: 'QuerySecretNoDetail',
  scope: 'read',
  perSecondMax: 1_000,
  schema: Type.Object({ PoolKey: poolKeyField, SecretNo: phoneField }),
  async run(asked, context) {
    const x = virtualIn(asked.SecretNo, context)
    const number = await numberInPool(x, poolKeyIn(asked.PoolKey), context)
    return {
      SecretNoInfoDTO: {
        PurchaseTime: beijingTime(number.createdAt),
        Vendor: number.carrier,
        Province: number.province,
        City: number.city,
        SecretStatus: statusOf(number),
        CertifyStatus: number.certified ? 1 : 0,
      },
    }
  },
})

/** 0 not bound, 1 bound, 2 locked, 3 frozen (product-semantics 3.2). */
function statusOf({ state, bindings }: XNumber): number {
  if (state === 'locked') return 2
  if (state === 'frozen' || state === 'faulty') return 3
  return bindings > 0 ? 1 : 0
}
