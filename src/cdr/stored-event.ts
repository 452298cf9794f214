import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { CallEvent, CallFacts } from '../domain/call-event.ts'
import { causeOf, type HangupReason } from '../domain/hangup.ts'
import type {
  AccountId,
  BindingId,
  CallId,
  PoolKey,
  TrunkId,
  VirtualNumber,
} from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { Vault } from '../platform/vault.ts'
import { createEventTime } from './event-time.ts'

/** A real number at rest: sealed for reading back, indexed for finding, so that who only stores or finds it needs no key. */
const StoredNumber = Type.Object({
  sealed: Type.String({ minLength: 1 }),
  index: Type.String({ minLength: 1 }),
})
type StoredNumber = Static<typeof StoredNumber>

const Text = Type.String({ minLength: 1 })
/** What Postgres is asked for by, or keeps as it is: no NUL, and nothing that no index takes. */
const Id = Type.String({ pattern: '^[!-~]{1,150}$' })
/** A moment that there is, or openStoredEvent throws. */
const Time = Type.String({ pattern: '^[12]\\d{3}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' })

/**
 * A call event as it is written to the journal and the stream: JSON, version 1. What is not known
 * is left out. Readers accept fields that they do not know; another meaning for a field that
 * exists needs another version.
 */
const StoredEvent = Type.Object({
  v: Type.Literal(1),
  id: Id,
  type: Type.Union([
    Type.Literal('start'),
    Type.Literal('ring'),
    Type.Literal('answer'),
    Type.Literal('end'),
  ]),
  at: Time,
  callId: Type.String({ pattern: '^[!-~]{1,100}$' }),
  routerId: Text,
  accountId: Type.Optional(Id),
  poolKey: Type.Optional(Id),
  product: Type.Optional(
    Type.Union([
      Type.Literal('AXB'),
      Type.Literal('AXN'),
      Type.Literal('AXN_EXTENSION'),
      Type.Literal('95AXN'),
      Type.Literal('AXG'),
      Type.Literal('X_MODE'),
    ]),
  ),
  bindingId: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,15}$' })),
  x: Id,
  extension: Type.Optional(Type.String({ pattern: '^\\d{1,3}$' })),
  city: Type.Optional(Type.String()),
  caller: Type.Optional(StoredNumber),
  callee: Type.Optional(StoredNumber),
  callerRole: Type.Optional(Type.Enum(['A', 'B', 'N', 'G'])),
  intercepted: Type.Boolean(),
  unconnectedCause: Type.Union([
    Type.Literal(0),
    Type.Literal(1),
    Type.Literal(2),
    Type.Literal(3),
    Type.Literal(4),
  ]),
  controlMsg: Type.String(),
  outId: Type.Optional(Type.String()),
  trunkIn: Text,
  trunkOut: Type.Optional(Text),
  callTime: Time,
  callOutTime: Type.Optional(Time),
  ringTime: Type.Optional(Time),
  startTime: Type.Optional(Time),
  releaseTime: Type.Optional(Time),
  releaseDirection: Type.Optional(Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)])),
  releaseCause: Type.Optional(Type.Integer({ minimum: 0, maximum: 127 })),
  releaseReason: Type.Optional(Text),
  recording: Type.Optional(Type.String()),
})
export type StoredEvent = Readonly<Static<typeof StoredEvent>>

const validator = Compile(StoredEvent)

/** Numbers are sealed here, before the event goes anywhere. */
export function createEventSealer(vault: Vault): (event: CallEvent) => string {
  // A call's numbers are the same objects in each of its events, so each is sealed once.
  const known = new WeakMap<PhoneNumber, StoredNumber>()

  function stored(number: PhoneNumber | undefined): StoredNumber | undefined {
    if (number === undefined) return undefined
    const before = known.get(number)
    if (before !== undefined) return before
    const made = { sealed: vault.seal(number), index: vault.blindIndex(number) }
    known.set(number, made)
    return made
  }

  const written = createEventTime()
  const time = (moment: Date | undefined) => (moment === undefined ? undefined : written(moment))

  return (event) =>
    // Field by field, and times as text: with what has a `toJSON` the same takes three times as long.
    JSON.stringify({
      v: 1,
      id: event.id,
      type: event.type,
      at: written(event.at),
      callId: event.callId,
      routerId: event.routerId,
      accountId: event.accountId,
      poolKey: event.poolKey,
      product: event.product,
      bindingId: event.bindingId,
      x: event.x,
      extension: event.extension,
      city: event.city,
      caller: stored(event.caller),
      callee: stored(event.callee),
      callerRole: event.callerRole,
      intercepted: event.intercepted,
      unconnectedCause: event.unconnectedCause,
      controlMsg: event.controlMsg,
      outId: event.outId,
      trunkIn: event.trunkIn,
      trunkOut: event.trunkOut,
      callTime: written(event.callTime),
      callOutTime: time(event.callOutTime),
      ringTime: time(event.ringTime),
      startTime: time(event.startTime),
      releaseTime: time(event.releaseTime),
      releaseDirection: event.releaseDirection,
      releaseCause: event.releaseCause,
      releaseReason: event.releaseReason,
      recording: event.recording,
    } satisfies Written)
}

/** Each field of an event, so that none is forgotten here; what is undefined is left out of the JSON. */
type Written = { readonly [Field in keyof Required<StoredEvent>]: StoredEvent[Field] | undefined }

export type ParsedEvent =
  | { readonly kind: 'event'; readonly event: StoredEvent }
  | { readonly kind: 'poison'; readonly reason: string }

/** Never throws: what cannot be read is told why, without its content. */
export function parseStoredEvent(text: string | undefined): ParsedEvent {
  if (text === undefined) return { kind: 'poison', reason: 'no event in the entry' }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { kind: 'poison', reason: 'not JSON' }
  }
  if (validator.Check(value)) return { kind: 'event', event: value }
  const faults = validator.Errors(value).map((each) => each.instancePath || each.keyword)
  const places = [...new Set(faults)].slice(0, 5).join(', ')
  return { kind: 'poison', reason: `not a call event of version 1: ${places}` }
}

/** Throws when a number cannot be opened with our keys, or a time is none, such as the 32nd. */
export function openStoredEvent(stored: StoredEvent, vault: Vault): CallEvent {
  return { id: stored.id, type: stored.type, at: moment(stored.at), ...openFacts(stored, vault) }
}

function moment(text: string): Date {
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) throw new RangeError('a time in a call event is none')
  return at
}

function openFacts(stored: StoredEvent, vault: Vault): CallFacts {
  const open = (number: StoredNumber | undefined) =>
    number === undefined ? undefined : vault.open(number.sealed)
  const time = (text: string | undefined) => (text === undefined ? undefined : moment(text))
  return {
    callId: stored.callId as CallId,
    routerId: stored.routerId,
    accountId: stored.accountId as AccountId | undefined,
    poolKey: stored.poolKey as PoolKey | undefined,
    product: stored.product,
    bindingId: stored.bindingId as BindingId | undefined,
    x: stored.x as VirtualNumber,
    extension: stored.extension,
    city: stored.city,
    caller: open(stored.caller),
    callee: open(stored.callee),
    callerRole: stored.callerRole,
    intercepted: stored.intercepted,
    unconnectedCause: stored.unconnectedCause,
    controlMsg: stored.controlMsg,
    outId: stored.outId,
    trunkIn: stored.trunkIn as TrunkId,
    trunkOut: stored.trunkOut as TrunkId | undefined,
    callTime: moment(stored.callTime),
    callOutTime: time(stored.callOutTime),
    ringTime: time(stored.ringTime),
    startTime: time(stored.startTime),
    releaseTime: time(stored.releaseTime),
    releaseDirection: stored.releaseDirection,
    releaseCause: stored.releaseCause,
    releaseReason: stored.releaseReason as HangupReason | undefined,
    recording: stored.recording,
  }
}

/** The start of a call, told again from a later event of it. */
export function startOfLostCall(last: StoredEvent): StoredEvent {
  const { trunkOut, callOutTime, ringTime, startTime, recording, ...atStart } = last
  return { ...atStart, id: `${last.callId}:start`, type: 'start', at: last.callTime }
}

/**
 * The end of a call whose router died. `lastAliveAt` is the last moment at which the router is
 * known to have lived; nobody is charged for longer than that.
 */
export function endOfLostCall(last: StoredEvent, lastAliveAt: Date): StoredEvent {
  const at = lastAliveAt.toISOString() > last.at ? lastAliveAt.toISOString() : last.at
  return {
    ...last,
    id: `${last.callId}:end`,
    type: 'end',
    at,
    releaseTime: at,
    releaseDirection: 0,
    releaseCause: causeOf('router-lost').q850,
    releaseReason: 'router-lost',
  }
}
