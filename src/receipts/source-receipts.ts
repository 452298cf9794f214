import type { CallId } from '../domain/ids.ts'
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
    case 'AlarmReport':
      return alarmReport(source, national)
    default:
      return facts
  }
}

function alarmReport(
  { facts, poolKey }: Source,
  national: (e164: string) => string,
): Receipt<'AlarmReport'> {
  const numbers = facts['numbers'] as readonly string[] | undefined
  const state = String(facts['became'])
  const cleared = state === 'cleared' ? momentOf(facts['clearedAt']) : undefined
  return withoutGaps({
    id: `alarm:${facts['alarm']}:${state}${state === 'worse' ? `:${facts['threshold']}` : ''}`,
    version: 1,
    alarm_id: String(facts['alarm']),
    kind: String(facts['kind']),
    state,
    subject: String(facts['subject']),
    detail: String(facts['detail'] ?? ''),
    pool_key: poolKey,
    percent: numberOf(facts['percent']),
    threshold: numberOf(facts['threshold']),
    routers: numberOf(facts['routers']),
    routers_in_all: numberOf(facts['routersInAll']),
    numbers: numbers?.map(national),
    number_count: numberOf(facts['numberCount']),
    certified_until: momentOf(facts['certifiedUntil']),
    raised_at: momentOf(facts['raisedAt']) ?? '',
    cleared_at: cleared,
    cleared_because:
      cleared === undefined ? undefined : facts['unwatched'] === true ? 'unwatched' : 'over',
  })
}

/** In the place of a call: what is told of one alarm comes in order. */
export function threadOf({ type, facts }: Pick<Source, 'type' | 'facts'>): CallId | undefined {
  return type === 'AlarmReport' ? (`alarm-${facts['alarm']}` as CallId) : undefined
}

/**
 * An alarm about the push of alarms goes to queues alone: a URL that fails would be given more to do
 * by failing.
 */
export function isForPush({ type, facts }: Pick<Source, 'type' | 'facts'>): boolean {
  const { kind, subject } = facts
  return !(type === 'AlarmReport' && kind === 'push-failing' && subject === 'AlarmReport')
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined)
const momentOf = (value: unknown) =>
  typeof value === 'string' ? beijingTime(new Date(value)) : undefined

type Filled<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>
}

const withoutGaps = <T extends object>(given: T) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Filled<T>
