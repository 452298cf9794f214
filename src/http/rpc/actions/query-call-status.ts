import { Type } from 'typebox'
import type { Binding } from '../../../bindings/binding.ts'
import { type ActionContext, defineAction } from '../action.ts'
import type { Members } from '../answer.ts'
import { bindingIdIn, poolKeyIn } from '../reading.ts'
import { phoneField, poolKeyField, subsIdField } from './fields.ts'

/** Whether calling X works at this moment: 1 yes, 3 X is faulty and has no stand-in, 4 the binding is over (product-semantics 3.2). */
export const queryCallStatus = defineAction({
  name: 'QueryCallStatus',
  scope: 'read',
  perSecondMax: 1_000,
  schema: Type.Object({
    PoolKey: poolKeyField,
    SubsId: subsIdField,
    CallNo: Type.Optional(phoneField),
  }),
  async run(asked, context) {
    poolKeyIn(asked.PoolKey)
    const binding = await context.rooms.bindings.get(context.accountId, bindingIdIn(asked.SubsId))
    return { SecretCallStatusDTO: await statusOf(binding, context) }
  },
})

async function statusOf(binding: Binding, context: ActionContext): Promise<Members> {
  if (binding.state !== 'live') return { Status: 4 }
  const { state } = await context.rooms.numbers.get(context.accountId, binding.x)
  if (state === 'frozen' || state === 'faulty') return { Status: 3, CalledNo: null }
  return { Status: 1, CalledNo: context.parser.national(binding.x) }
}
