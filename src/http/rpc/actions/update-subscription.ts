import { type Static, Type } from 'typebox'
import type { BindingChange } from '../../../bindings/binding.ts'
import { type ActionContext, defineAction } from '../action.ts'
import { missing } from '../gateway-error.ts'
import { bindingIdIn, expirationIn, groupIdIn, realIn, virtualIn } from '../reading.ts'
import {
  groupIdField,
  phoneField,
  poolFields,
  subsIdField,
  termFields,
  timeField,
} from './fields.ts'
import { poolNamed } from './pool-asked.ts'
import { bindingAsked } from './query-subscription-detail.ts'
import { restrictionIn, tonesIn } from './terms.ts'

const Asked = Type.Object({
  ...termFields,
  ...poolFields,
  SubsId: subsIdField,
  PhoneNoX: phoneField,
  OperateType: Type.Enum(
    [
      'updateNoA',
      'updateNoB',
      'updateExpire',
      'updateAxgGroup',
      'updateCallRestrict',
      'updateCallDisplayType',
      'updateOutId',
      'updateIsRecordingEnabled',
      'updateAsr',
      'updateRingConfig',
    ],
    { description: 'updateNoA, updateNoB, updateExpire, updateAxgGroup and so on.' },
  ),
  PhoneNoA: Type.Optional(phoneField),
  PhoneNoB: Type.Optional(phoneField),
  Expiration: Type.Optional(timeField),
  GroupId: Type.Optional(groupIdField),
})
type Asked = Static<typeof Asked>

type Change = (asked: Asked, context: ActionContext) => BindingChange

/** What each operation changes; without its own parameter it is refused. */
const changes: Readonly<Record<Asked['OperateType'], Change>> = {
  updateNoA: (asked, context) => ({ a: realIn(need(asked, 'PhoneNoA'), context) }),
  updateNoB: (asked, context) => ({ b: realIn(need(asked, 'PhoneNoB'), context) }),
  updateExpire: (asked) => ({ expiresAt: expirationIn(need(asked, 'Expiration')) }),
  updateAxgGroup: (asked) => ({ groupId: groupIdIn(need(asked, 'GroupId')) }),
  updateCallRestrict: (asked) => ({
    restriction: restrictionIn(need(asked, 'CallRestrict')) ?? null,
  }),
  // X is what is shown, whatever is asked (product-semantics 0.5).
  updateCallDisplayType: () => ({}),
  updateOutId: (asked) => ({ outId: need(asked, 'OutId') }),
  updateIsRecordingEnabled: (asked) => ({ recording: need(asked, 'IsRecordingEnabled') }),
  updateAsr: (asked) => {
    const asr = need(asked, 'ASRStatus')
    return { asr, asrModel: asr ? asked.ASRModelId : null }
  },
  updateRingConfig: (asked) => ({ tones: tonesIn(need(asked, 'RingConfig'), undefined) }),
}

function need<Name extends keyof Asked>(asked: Asked, name: Name): NonNullable<Asked[Name]> {
  const value = asked[name]
  if (value === undefined) throw missing(name)
  return value as NonNullable<Asked[Name]>
}

export const updateSubscription = defineAction({
  name: 'UpdateSubscription',
  scope: 'bind',
  perSecondMax: 10_000,
  schema: Asked,
  async run(asked, context) {
    const { RingConfig: rings } = asked
    const tones = rings === undefined ? {} : { tones: tonesIn(rings, undefined) }
    const change = { ...changes[asked.OperateType](asked, context), ...tones }
    const poolKey = poolNamed(asked)
    if (Object.keys(change).length === 0) {
      await bindingAsked({ id: asked.SubsId, x: asked.PhoneNoX, poolKey }, context)
      return {}
    }
    await context.rooms.bindings.update({
      accountId: context.accountId,
      id: bindingIdIn(asked.SubsId),
      poolKey,
      x: virtualIn(asked.PhoneNoX, context),
      change,
    })
    return {}
  },
})
