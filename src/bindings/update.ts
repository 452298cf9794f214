import { DomainError } from '../domain/errors.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import { isDeadlock, type Sql, violatedConstraint } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { Binding, BindingChange, UpdateCommand } from './binding.ts'
import {
  type BindingRow,
  bindingFrom,
  type ChangedNumberRow,
  changedNumber,
  termsFrom,
} from './binding-rows.ts'
import { checkChange } from './check-command.ts'
import { checkKey } from './check-terms.ts'
import { answeredBefore, forgetOldKey, hashOf, lateRepeat } from './idempotency.ts'
import type { NamedValues } from './named-query.ts'
import { changeWith, type StoredBinding } from './published.ts'
import type { UnbindDeps } from './unbind.ts'
import { type PlainColumn, updateQuery } from './update-statement.ts'
import { updateConflict, whyNotUpdated } from './why-not-updated.ts'
import { partiesEqual } from './why-refused.ts'

type UpdatedRow = BindingRow &
  ChangedNumberRow & {
    readonly a_index: string
    readonly b_index: string | null
    readonly leaving: readonly string[]
  }

/** When it resolves, the next call sees the binding as changed; running calls go on as they began. */
export function createUpdate(deps: UnbindDeps): (command: UpdateCommand) => Promise<Binding> {
  const { sql, vault, clock, publish } = deps

  return async (command) => {
    const now = clock.now()
    const fault = checkChange(command.change, now) ?? checkKey(command.idempotencyKey)
    if (fault !== undefined) throw fault
    const values = valuesOf(command, vault, now)
    const repeated = await answeredBefore(deps, values)
    if (repeated !== undefined) return repeated

    const row = await change(sql, values)
    if (row === 'repeated') return lateRepeat(deps, values)
    if (row === undefined) throw await whyNotUpdated(sql, command, values)
    await publish(changeWith(changedNumber(row), storedFrom(row), row.leaving))
    return bindingFrom(row, vault, now)
  }
}

function storedFrom(row: UpdatedRow): StoredBinding {
  return {
    id: row.id,
    product: row.product,
    aIndex: row.a_index,
    aSealed: row.a_sealed,
    bIndex: row.b_index ?? undefined,
    bSealed: row.b_sealed ?? undefined,
    extension: row.extension ?? undefined,
    groupId: row.group_id ?? undefined,
    expiresAt: row.expires_at,
    ...termsFrom(row),
  }
}

type Values = ReturnType<typeof valuesOf>

async function change(sql: Sql, values: Values): Promise<UpdatedRow | 'repeated' | undefined> {
  try {
    const [row] = await sql.rows<UpdatedRow>(updateQuery(values satisfies NamedValues))
    return row
  } catch (err) {
    switch (violatedConstraint(err)) {
      case 'binding_leg_one_per_party':
        throw updateConflict()
      case 'binding_parties_differ':
        throw partiesEqual()
      case 'binding_asr_has_model':
        throw asrWithoutModel()
      case 'idempotency_key_once':
        return (await forgetOldKey(sql, values)) ? change(sql, values) : 'repeated'
      default:
        if (isDeadlock(err)) return change(sql, values)
        throw err
    }
  }
}

const asrWithoutModel = () =>
  new DomainError(
    'invalid-parameters',
    422,
    'Recordings of this binding are written down, which needs the id of a speech model. Switch that off first.',
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )

function valuesOf(command: UpdateCommand, vault: Vault, now: Date) {
  const { accountId, id, poolKey, x, change: asked, idempotencyKey } = command
  const { a, b, expiresAt, groupId } = asked
  const columns = plainValues(asked)
  const set = Object.entries(columns).filter(([, value]) => value !== undefined)
  const parties = { ...sideOf('a', a, vault), ...sideOf('b', b ?? undefined, vault) }
  const whole =
    expiresAt === undefined ? undefined : new Date(Math.floor(expiresAt.getTime() / 1000) * 1000)
  const { aIndex, bIndex } = parties
  const request = ['update', id, poolKey, x, aIndex, b === null ? 'none' : bIndex, whole, groupId]
  return {
    ...{ accountId, id, poolKey, x, groupId, expiresAt: whole, now, idempotencyKey },
    ...parties,
    ...columns,
    fields: [...set.map(([column]) => column), ...(b === undefined ? [] : ['b'])],
    clearsB: b === null,
    survey: columns.survey ?? undefined,
    requestHash: idempotencyKey === undefined ? '' : hashOf([...request, set]),
  }
}

function sideOf<Side extends 'a' | 'b'>(side: Side, number: PhoneNumber | undefined, vault: Vault) {
  return {
    [`${side}Sealed`]: number === undefined ? undefined : vault.seal(number),
    [`${side}Index`]: number === undefined ? undefined : vault.blindIndex(number),
  } as { [Key in `${Side}Sealed` | `${Side}Index`]: string | undefined }
}

function plainValues(change: BindingChange): { [Column in PlainColumn]: unknown } {
  return {
    recording: change.recording,
    tones: json(change.tones),
    ring_seconds_max: change.ringSecondsMax,
    talk_seconds_max: change.talkSecondsMax,
    restriction: change.restriction,
    out_id: change.outId,
    out_order_id: change.outOrderId,
    asr: change.asr,
    asr_model: change.asrModel,
    survey: json(change.survey),
  }
}

function json(value: object | null | undefined): string | null | undefined {
  return value === undefined || value === null ? value : JSON.stringify(value)
}
