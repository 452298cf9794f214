import { beijingTime } from '../platform/beijing-time.ts'
import type { MessageType, Receipt } from './receipt-types.ts'

/** What another room has noted in `receipt_source`. */
export type Source = {
  readonly type: MessageType
  readonly poolKey: string | undefined
  readonly happenedAt: Date
  readonly facts: Readonly<Record<string, unknown>>
}

/** The receipt of it. Types whose receipt is noted whole are passed on. */
export function sourceBody(source: Source, national: (e164: string) => string): object {
  const { facts, happenedAt, poolKey = '' } = source
  const x = national(String(facts['x'] ?? ''))
  switch (source.type) {
    case 'NumberManagementReport': {
      const vendor = typeof facts['vendor'] === 'number' ? { vendor: facts['vendor'] } : {}
      return {
        secret_no: x,
        city: String(facts['city'] ?? ''),
        partner_key: poolKey,
        operating_time: beijingTime(happenedAt),
        status: Number(facts['status']),
        ...vendor,
      } satisfies Receipt<'NumberManagementReport'>
    }
    case 'SecretExceptionPhoneReport':
      return {
        secretNo: x,
        partnerKey: poolKey,
        noStatus: Number(facts['noStatus']),
        timestamp: happenedAt.getTime(),
      } satisfies Receipt<'SecretExceptionPhoneReport'>
    default:
      return facts
  }
}
