import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { callIdIn, checkCallTime, nothingOfCall } from './call-asked.ts'
import { callIdField, poolKeyField, timeField } from './fields.ts'

export const getTotalPublicUrl = defineAction({
  name: 'GetTotalPublicUrl',
  scope: 'read',
  perSecondMax: 1_000,
  schema: Type.Object({
    PartnerKey: poolKeyField,
    CallId: callIdField,
    CallTime: timeField,
    CheckSubs: Type.Boolean({ description: 'true or false.' }),
  }),
  async run(asked, { accountId, rooms }) {
    checkCallTime(asked.CallTime)
    const urls = await rooms.recordings.publicUrls(accountId, callIdIn(asked.CallId))
    if (urls === undefined) throw nothingOfCall()
    return { Data: { PhonePublicUrl: urls.call, RingPublicUrl: urls.ringing } }
  },
})
