import { Type } from 'typebox'
import type { Binding } from '../../../bindings/binding.ts'
import { DomainError } from '../../../domain/errors.ts'
import { beijingTime } from '../../../platform/beijing-time.ts'
import { type ActionContext, defineAction } from '../action.ts'
import type { Members } from '../answer.ts'
import { bindingIdIn, virtualIn } from '../reading.ts'
import { shownNumber } from '../shown-number.ts'
import { phoneField, poolFields, subsIdField } from './fields.ts'
import { poolNamed } from './pool-asked.ts'
import { restrictionOut } from './terms.ts'

export const querySubscriptionDetail = defineAction({
  name: 'QuerySubscriptionDetail',
  scope: 'read',
  perSecondMax: 5_000,
  schema: Type.Object({ ...poolFields, SubsId: subsIdField, PhoneNoX: phoneField }),
  async run(asked, context) {
    const binding = await bindingAsked(
      { id: asked.SubsId, x: asked.PhoneNoX, poolKey: poolNamed(asked) },
      context,
    )
    if (context.mayReveal) await context.noteReveal([binding.id])
    return { SecretBindDetailDTO: detailOut(binding, context) }
  },
})

/** One that is not on this X, or not of this pool, is as good as none. */
export async function bindingAsked(
  asked: { id: string; x: string; poolKey: string | undefined },
  context: ActionContext,
): Promise<Binding> {
  const x = virtualIn(asked.x, context)
  const binding = await context.rooms.bindings.get(context.accountId, bindingIdIn(asked.id))
  const fits = binding.x === x && (asked.poolKey ?? binding.poolKey) === binding.poolKey
  if (fits) return binding
  throw new DomainError(
    'binding-unknown',
    404,
    'There is no binding with this SubsId on this number of this pool.',
    { vendorCode: 'isv.SUBS_NOT_EXIST' },
  )
}

function detailOut(binding: Binding, context: ActionContext): Members {
  const { b, groupId } = binding
  return {
    SubsId: binding.id,
    PhoneNoA: shownNumber(binding.a, context),
    PhoneNoB: b === undefined ? undefined : shownNumber(b, context),
    PhoneNoX: context.parser.national(binding.x),
    Extension: binding.extension,
    GroupId: groupId === undefined ? undefined : Number(groupId),
    GmtCreate: beijingTime(binding.createdAt),
    ExpireDate: beijingTime(binding.expiresAt),
    NeedRecord: binding.recording ?? false,
    Status: binding.state === 'live' ? 1 : 0,
    CallRestrict: restrictionOut(binding.restriction),
    ASRStatus: binding.asr ?? false,
    ASRModelId: binding.asrModel,
  }
}
