import { type Static, Type } from 'typebox'
import type { BindCommand } from '../../../bindings/binding.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { PoolKey } from '../../../domain/ids.ts'
import { type ActionContext, defineAction } from '../action.ts'
import type { Members } from '../answer.ts'
import { groupIdIn } from '../reading.ts'
import { boundOut } from './bound-out.ts'
import { bindFields, groupIdField, poolFields, timeField } from './fields.ts'
import { poolAsked } from './pool-asked.ts'
import { bindTermsIn } from './terms.ts'

const Item = Type.Object({ ...bindFields, Expiration: timeField, GroupId: groupIdField })
type Item = Static<typeof Item>

/** Each item as if it came alone: the answer's own Code is OK whatever becomes of them. */
export const bindBatchAxg = defineAction({
  name: 'BindBatchAxg',
  scope: 'bind',
  perSecondMax: 5_000,
  schema: Type.Object({
    PoolKey: poolFields.PoolKey,
    AxgBindList: Type.Array(Item, {
      minItems: 1,
      maxItems: 500,
      description: '1 to 500 objects with PhoneNoA, GroupId and Expiration.',
    }),
  }),
  async run(asked, context) {
    const poolKey = await poolAsked(asked, context)
    const read = asked.AxgBindList.map((item) => readItem(item, poolKey, context))
    const good = read.filter((each): each is BindCommand => !(each instanceof DomainError))
    const { bindings } = context.rooms
    const outcomes = good.length === 0 ? [] : await bindings.bindMany(context.accountId, good)
    const left = [...outcomes]
    const SecretBind = asked.AxgBindList.map((item, at) => {
      const command = read[at]
      const outcome = command instanceof DomainError ? { refusal: command } : left.shift()
      return itemOut(item, outcome, context)
    })
    return { SecretBindList: { SecretBind } }
  },
})

function readItem(item: Item, poolKey: PoolKey, context: ActionContext): BindCommand | DomainError {
  try {
    const groupId = groupIdIn(item.GroupId)
    return { ...bindTermsIn(item, 'AXG', context), poolKey, product: 'AXG', groupId }
  } catch (err) {
    if (err instanceof DomainError) return err
    throw err
  }
}

type Outcome = Awaited<ReturnType<ActionContext['rooms']['bindings']['bindMany']>>[number]

function itemOut(item: Item, outcome: Outcome | undefined, context: ActionContext): Members {
  const asked = { GroupId: item.GroupId, PhoneNoA: item.PhoneNoA }
  if (outcome?.binding !== undefined) {
    return { ...asked, ...boundOut(outcome.binding, context), Code: 'OK', Message: 'OK' }
  }
  const { vendorCode, message } = outcome?.refusal ?? {}
  return { ...asked, Code: vendorCode ?? 'isp.UNKNOWN_ERR_CODE', Message: message ?? '' }
}
