import { Type } from 'typebox'
import { DomainError } from '../../../domain/errors.ts'
import { defineAction } from '../action.ts'
import { virtualIn } from '../reading.ts'
import { callIdIn } from './call-asked.ts'
import { callIdField, phoneField, poolKeyField } from './fields.ts'

export const confirmSendSms = defineAction({
  name: 'ConfirmSendSms',
  scope: 'bind',
  perSecondMax: 1_000,
  schema: Type.Object({ PoolKey: poolKeyField, SecretNo: phoneField, CallId: callIdField }),
  async run(asked, context) {
    const { accountId, rooms } = context
    const x = virtualIn(asked.SecretNo, context)
    if (await rooms.messages.confirm(accountId, x, callIdIn(asked.CallId))) return { Data: 'true' }
    throw new DomainError('message-unknown', 404, 'No message waits for this confirmation.', {
      vendorCode: 'isv.FORBIDDEN_ACTION',
    })
  },
})
