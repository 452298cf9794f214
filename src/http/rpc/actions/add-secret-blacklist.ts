import { defineAction } from '../action.ts'
import { poolKeyIn, realIn } from '../reading.ts'
import { BlackAsked, pairIn } from './black-asked.ts'

export const addSecretBlacklist = defineAction({
  name: 'AddSecretBlacklist',
  scope: 'numbers',
  perSecondMax: 100,
  schema: BlackAsked,
  async run(asked, context) {
    const { blacklist } = context.rooms
    const common = {
      accountId: context.accountId,
      poolKey: poolKeyIn(asked.PoolKey),
      remark: asked.Remark,
    }
    if (asked.BlackType === 'PARTNER_GLOBAL_NUMBER_BLACK') {
      await blacklist.blockCaller({ ...common, number: realIn(asked.BlackNo, context) })
    } else {
      const way = asked.WayControl ?? 'DUPLEX_REJECT'
      await blacklist.blockPair({ ...common, ...pairIn(asked.BlackNo, context), way })
    }
    return {}
  },
})
