import type { PoolSettings, Product } from '../domain/call.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../domain/ids.ts'
import type { Tones } from '../domain/tones.ts'
import type { Vault } from '../platform/vault.ts'
import type { Binding, Survey } from './binding.ts'
import type { ChangedNumber } from './published.ts'

export type BindingRow = {
  readonly id: string
  readonly account_id: string
  readonly pool_key: string
  readonly x: string
  readonly product: string
  readonly a_sealed: string
  readonly b_sealed: string | null
  readonly expires_at: Date
  readonly recording: boolean | null
  readonly extension: string | null
  readonly group_id: string | null
  readonly tones: Tones | null
  readonly ring_seconds_max: number | null
  readonly talk_seconds_max: number | null
  readonly restriction: string | null
  readonly out_id: string | null
  readonly out_order_id: string | null
  readonly asr: boolean | null
  readonly asr_model: string | null
  readonly survey: Survey | null
  readonly created_at: Date
  readonly ended_at: Date | null
  readonly end_reason: string | null
}

export const bindingColumns = [
  ...['id', 'account_id', 'pool_key', 'x', 'product', 'a_sealed', 'b_sealed', 'expires_at'],
  ...['recording', 'extension', 'group_id', 'tones', 'ring_seconds_max', 'talk_seconds_max'],
  ...['restriction', 'out_id', 'out_order_id', 'asr', 'asr_model', 'survey', 'created_at'],
  ...['ended_at', 'end_reason'],
]
  .map((column) => `b.${column}`)
  .join(', ')

export function bindingFrom(row: BindingRow, vault: Vault, now: Date): Binding {
  const { state, endedAt } = ending(row, now)
  return {
    id: row.id as BindingId,
    accountId: row.account_id as AccountId,
    poolKey: row.pool_key as PoolKey,
    x: row.x as VirtualNumber,
    product: row.product as Product,
    a: vault.open(row.a_sealed),
    b: row.b_sealed === null ? undefined : vault.open(row.b_sealed),
    extension: row.extension ?? undefined,
    groupId: row.group_id ?? undefined,
    expiresAt: row.expires_at,
    ...termsFrom(row),
    createdAt: row.created_at,
    state,
    endedAt,
  }
}

export function termsFrom(row: BindingRow) {
  return {
    recording: row.recording ?? undefined,
    tones: row.tones ?? undefined,
    ringSecondsMax: row.ring_seconds_max ?? undefined,
    talkSecondsMax: row.talk_seconds_max ?? undefined,
    restriction: (row.restriction as 'AX' | 'BX' | null) ?? undefined,
    outId: row.out_id ?? undefined,
    outOrderId: row.out_order_id ?? undefined,
    asr: row.asr ?? undefined,
    asrModel: row.asr_model ?? undefined,
    survey: row.survey ?? undefined,
  }
}

function ending(row: BindingRow, now: Date): Pick<Binding, 'state' | 'endedAt'> {
  if (row.end_reason === 'unbound') return { state: 'unbound', endedAt: row.ended_at ?? undefined }
  const expired = row.end_reason === 'expired' || row.expires_at <= now
  return expired
    ? { state: 'expired', endedAt: row.expires_at }
    : { state: 'live', endedAt: undefined }
}

/** The columns that every change of a bound X returns, besides the binding's. */
export type ChangedNumberRow = Pick<BindingRow, 'account_id' | 'pool_key' | 'x' | 'product'> & {
  readonly invalidation_id: string
  readonly version: string
  readonly state: string
  readonly city: string | null
  readonly settings: PoolSettings
}

export function changedNumber(row: ChangedNumberRow): ChangedNumber {
  return {
    invalidationId: row.invalidation_id,
    version: row.version,
    accountId: row.account_id,
    poolKey: row.pool_key,
    x: row.x,
    product: row.product,
    state: row.state,
    city: row.city,
    settings: row.settings,
  }
}
