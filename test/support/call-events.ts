import { randomUUID } from 'node:crypto'
import type { CallEvent, CallFacts } from '../../src/domain/call-event.ts'
import { causeOf } from '../../src/domain/hangup.ts'
import type {
  AccountId,
  BindingId,
  CallId,
  PoolKey,
  TrunkId,
  VirtualNumber,
} from '../../src/domain/ids.ts'
import { PhoneNumber } from '../../src/domain/phone-number.ts'
import { createVault, type Vault } from '../../src/platform/vault.ts'

export function aVault(): Vault {
  return createVault([{ id: 'test', bytes: Buffer.alloc(32, 7) }])
}

export function aNumber(e164: string): PhoneNumber {
  const number = PhoneNumber.fromE164(e164)
  if (number === undefined) throw new Error(`${e164} is not E.164`)
  return number
}

/** A calls B through X in the AXB binding of the tests, and has just arrived. */
export function someFacts(over: Partial<CallFacts> = {}): CallFacts {
  return {
    callId: randomUUID() as CallId,
    routerId: 'router-1',
    accountId: 'main' as AccountId,
    poolKey: 'FC100000000000001' as PoolKey,
    product: 'AXB',
    bindingId: '1000000000000001' as BindingId,
    x: '+8617000000001' as VirtualNumber,
    city: '杭州',
    caller: aNumber('+8613800138000'),
    callee: aNumber('+8613912345678'),
    callerRole: 'A',
    intercepted: false,
    unconnectedCause: 0,
    controlMsg: 'OK',
    outId: 'order-1',
    extension: undefined,
    trunkIn: 'carrier-a' as TrunkId,
    trunkOut: undefined,
    callTime: new Date('2026-11-24T02:00:00.000Z'),
    callOutTime: undefined,
    ringTime: undefined,
    startTime: undefined,
    releaseTime: undefined,
    releaseDirection: undefined,
    releaseCause: undefined,
    releaseReason: undefined,
    recording: undefined,
    ...over,
  }
}

/** What happened to a call, first to last: start, ring, answer, end; one second, two seconds and ten seconds after. */
export function aCall(over: Partial<CallFacts> = {}): readonly CallEvent[] {
  const arrived = someFacts(over)
  const after = (seconds: number) => new Date(arrived.callTime.getTime() + seconds * 1000)
  const ringing = {
    ...arrived,
    trunkOut: 'carrier-b' as TrunkId,
    callOutTime: after(0.2),
    ringTime: after(1),
  }
  const talking = { ...ringing, startTime: after(3), recording: 'today/one.wav' }
  const over_ = {
    ...talking,
    releaseTime: after(13),
    releaseDirection: 1 as const,
    releaseCause: causeOf('normal').q850,
    releaseReason: 'normal' as const,
  }
  return [
    eventOf('start', arrived, arrived.callTime),
    eventOf('ring', ringing, after(1)),
    eventOf('answer', talking, after(3)),
    eventOf('end', over_, after(13)),
  ]
}

function eventOf(type: CallEvent['type'], facts: CallFacts, at: Date): CallEvent {
  return { ...facts, id: `${facts.callId}:${type}`, type, at }
}
