import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { bindingIdIn, poolKeyIn, virtualIn } from '../reading.ts'
import { phoneField, poolKeyField, subsIdField, trackNoField } from './fields.ts'

export const addAxnTrackNo = defineAction({
  name: 'AddAxnTrackNo',
  scope: 'bind',
  perSecondMax: 5_000,
  schema: Type.Object({
    PoolKey: poolKeyField,
    PhoneNoX: phoneField,
    SubsId: subsIdField,
    trackNo: trackNoField,
  }),
  async run(asked, context) {
    await context.rooms.waybills.add({
      accountId: context.accountId,
      poolKey: poolKeyIn(asked.PoolKey),
      x: virtualIn(asked.PhoneNoX, context),
      bindingId: bindingIdIn(asked.SubsId),
      trackNo: asked.trackNo,
    })
    return {}
  },
})
