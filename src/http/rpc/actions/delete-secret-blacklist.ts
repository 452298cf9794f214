import { defineAction } from '../action.ts'
import { poolKeyIn, realIn } from '../reading.ts'
import { BlackAsked, pairIn } from './black-asked.ts'

/** What is not there is as good as deleted. */
export const deleteSecretBlacklist = defineAction({
  name: 'DeleteSecretBlacklist',
  scope: 'numbers',
  perSecondMax: 100,
  schema: BlackAsked,
  async run(asked, context) {
    const { blacklist } = context.rooms
    const common = { accountId: context.accountId, poolKey: poolKeyIn(asked.PoolKey) }
    if (asked.BlackType === 'PARTNER_GLOBAL_NUMBER_BLACK') {
      await blacklist.unblockCaller({ ...common, number: realIn(asked.BlackNo, context) })
    } else {
      await blacklist.unblockPair({ ...common, ...pairIn(asked.BlackNo, context) })
    }
    return {}
  },
})
