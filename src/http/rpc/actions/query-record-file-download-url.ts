import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { callIdIn, checkCallTime, nothingOfCall } from './call-asked.ts'
import { callIdField, poolFields, timeField } from './fields.ts'

export const queryRecordFileDownloadUrl = defineAction({
  name: 'QueryRecordFileDownloadUrl',
  scope: 'read',
  perSecondMax: 3_000,
  schema: Type.Object({ ...poolFields, CallId: callIdField, CallTime: Type.Optional(timeField) }),
  async run(asked, { accountId, rooms }) {
    checkCallTime(asked.CallTime)
    const url = await rooms.recordings.downloadUrl(accountId, callIdIn(asked.CallId))
    if (url === undefined) throw nothingOfCall()
    return { DownloadUrl: url }
  },
})
