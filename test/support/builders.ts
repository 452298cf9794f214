import type {
  BoundRoute,
  CallAttempt,
  CallerStanding,
  NumberRoute,
  PoolSettings,
  RouteRecord,
} from '../../src/domain/call.ts'
import type {
  AccountId,
  BindingId,
  CallId,
  PoolKey,
  TrunkId,
  VirtualNumber,
} from '../../src/domain/ids.ts'
import { PhoneNumber } from '../../src/domain/phone-number.ts'

/** Test values that are right in every field; a test names only what it is about. */
export function phone(e164: string): PhoneNumber {
  const number = PhoneNumber.fromE164(e164)
  if (number === undefined) throw new Error(`${e164} is not E.164`)
  return number
}

export const x = (e164: string) => e164 as VirtualNumber
export const trunkId = (name: string) => name as TrunkId

export function anAttempt(given: Partial<CallAttempt> = {}): CallAttempt {
  return {
    callId: '6f1e1f64-6a4c-4a44-9c5b-0f1f6f0c2d11' as CallId,
    trunkId: trunkId('carrier'),
    caller: phone('+8613800000001'),
    dialled: x('+8617000000001'),
    extension: undefined,
    receivedAt: new Date('2026-11-24T08:00:00Z'),
    ...given,
  }
}

export function aNumber(given: Partial<NumberRoute> = {}): NumberRoute {
  return {
    x: x('+8617000000001'),
    accountId: '1' as AccountId,
    poolKey: 'FC100000137458124' as PoolKey,
    product: 'AXB',
    state: 'normal',
    city: undefined,
    settings: somePoolSettings(),
    ...given,
  }
}

export function somePoolSettings(given: Partial<PoolSettings> = {}): PoolSettings {
  return {
    callbackMode: 'default-b',
    screened: false,
    controlUrl: undefined,
    recording: false,
    tones: {},
    ringSecondsMax: 60,
    talkSecondsMax: 14_400,
    ...given,
  }
}

export function aBoundRoute(given: Partial<BoundRoute> = {}): BoundRoute {
  return {
    bindingId: '1000000000000001' as BindingId,
    callerRole: 'A',
    peer: phone('+8613900000002'),
    expiresAt: new Date('2026-11-24T09:00:00Z'),
    recording: false,
    tones: {},
    ringSecondsMax: 30,
    talkSecondsMax: 3600,
    restriction: undefined,
    outId: undefined,
    ...given,
  }
}

/** Of a caller whom nobody holds anything against. */
export function aStanding(given: Partial<CallerStanding> = {}): CallerStanding {
  return {
    isKnown: true,
    blockedByPool: false,
    blockedFromPeer: false,
    blockedFromLastCaller: false,
    inGroup: false,
    ...given,
  }
}

export function aRecord(given: Partial<RouteRecord> = {}): RouteRecord {
  return {
    number: aNumber(),
    binding: aBoundRoute(),
    standing: aStanding(),
    lastCaller: undefined,
    source: 'redis',
    version: 1,
    ...given,
  }
}
