import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { callIdIn, checkCallTime, nothingOfCall } from './call-asked.ts'
import { callIdField, poolKeyField, timeField } from './fields.ts'

export const getSecretAsrDetail = defineAction({
  name: 'GetSecretAsrDetail',
  scope: 'read',
  perSecondMax: 100,
  schema: Type.Object({ PoolKey: poolKeyField, CallId: callIdField, CallTime: timeField }),
  async run(asked, { accountId, rooms }) {
    checkCallTime(asked.CallTime)
    const transcript = await rooms.transcripts.get(accountId, callIdIn(asked.CallId))
    if (transcript === undefined) throw nothingOfCall()
    return { Data: transcript }
  },
})
