import { Type } from 'typebox'
import { defineAction } from '../action.ts'
import { virtualIn } from '../reading.ts'
import { shownNumber } from '../shown-number.ts'
import { phoneField, trackNoField } from './fields.ts'

/** For parcel lockers: who gets this parcel. `CabinetNo` is taken and has no effect. */
export const queryPhoneNoAByTrackNo = defineAction({
  name: 'QueryPhoneNoAByTrackNo',
  scope: 'read',
  perSecondMax: 5_000,
  schema: Type.Object({ trackNo: trackNoField, PhoneNoX: Type.Optional(phoneField) }),
  async run(asked, context) {
    const { PhoneNoX: x } = asked
    const found = await context.rooms.waybills.find({
      accountId: context.accountId,
      trackNo: asked.trackNo,
      x: x === undefined ? undefined : virtualIn(x, context),
    })
    if (context.mayReveal && found.length > 0) await context.noteReveal(found.map(({ id }) => id))
    return {
      Module: found.map((binding) => ({
        PhoneNoA: shownNumber(binding.a, context),
        PhoneNoX: context.parser.national(binding.x),
        Extension: binding.extension,
      })),
    }
  },
})
