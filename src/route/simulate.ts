import { type CallAttempt, type CallPlan, type RouteRecord, stranger } from '../domain/call.ts'
import type { AccountId, CallId, TrunkId, VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import { planCall } from './plan-call.ts'

export type SimulatedCall = {
  /** Whose numbers may be looked at. Undefined: the operator, who sees all. */
  readonly accountId: AccountId | undefined
  /** Undefined: withheld. */
  readonly caller: PhoneNumber | undefined
  readonly x: VirtualNumber
  readonly extension: string | undefined
  /** Undefined: now. */
  readonly at: Date | undefined
}

export type Simulation = {
  readonly at: Date
  readonly plan: CallPlan
  /** What it was decided on. Undefined: X is not ours, or not the account's. */
  readonly record: Pick<RouteRecord, 'source' | 'version'> | undefined
}

/** Rejects with `route-unavailable` when a call could not be looked up either. */
export type Simulate = (call: SimulatedCall) => Promise<Simulation>

/**
 * What would become of a call, by the same lookup and the same rules as of a real one, and without
 * one: nobody is rung, and nothing is on record.
 */
export function createSimulate(deps: {
  resolve(attempt: CallAttempt): Promise<RouteRecord>
  /** Enabled outgoing trunks, best first. */
  trunks(): readonly TrunkId[]
  readonly unmatchedSipStatus: 403 | 404
  now(): Date
}): Simulate {
  const { resolve, trunks, unmatchedSipStatus, now } = deps
  return async ({ accountId, caller, x, extension, at = now() }) => {
    const attempt: CallAttempt = {
      callId: 'simulated' as CallId,
      trunkId: 'simulated' as TrunkId,
      caller,
      dialled: x,
      extension,
      receivedAt: at,
    }
    const found = await resolve(attempt)
    const isTheirs = accountId === undefined || found.number?.accountId === accountId
    const record = isTheirs ? found : notTheirs
    const plan = planCall({ attempt, record, trunks: trunks(), unmatchedSipStatus })
    return { at, plan, record: record.number === undefined ? undefined : record }
  }
}

/** An X of somebody else's is like one that nobody has. */
const notTheirs: RouteRecord = {
  number: undefined,
  binding: undefined,
  standing: stranger,
  lastCaller: undefined,
  source: 'redis',
  version: 0,
}
