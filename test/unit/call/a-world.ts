import { pino } from 'pino'
import { expect, vi } from 'vitest'
import { createLiveCalls } from '../../../src/call/live-calls.ts'
import type {
  CalleeListener,
  LegListener,
  MediaPair,
  OpenMedia,
  PlaceCallee,
} from '../../../src/call/ports.ts'
import { createRunCall } from '../../../src/call/run-call.ts'
import type { BoundRoute, CallPlan } from '../../../src/domain/call.ts'
import type { CallEvent } from '../../../src/domain/call-event.ts'
import type { HangupCause } from '../../../src/domain/hangup.ts'
import { aBoundRoute, aNumber, anAttempt, phone, trunkId } from '../../support/builders.ts'

const offer = 'v=0 offer of the caller'

export type World = ReturnType<typeof aWorld>

/** Everything around a call, scripted and remembered. */
export function aWorld(
  given: {
    binding?: Partial<BoundRoute>
    trunks?: number
    offer?: undefined
    ringback?: undefined
  } = {},
) {
  const said: string[] = []
  const events: CallEvent[] = []
  const callees: { listener: CalleeListener; trunkId: string }[] = []
  let caller: LegListener | undefined
  let lost: ((side: 'caller' | 'callee', cause: HangupCause) => void) | undefined
  const end = (name: string) => ({
    sdp: `sdp of ${name} end`,
    negotiate: async (sdp: string) => {
      said.push(`${name} end takes ${sdp}`)
      return `sdp of ${name} end`
    },
    playRingback: (code: string) => void said.push(`${name} end plays ${code}`),
    sendDigit: (digit: string) => void said.push(`${name} end sends ${digit}`),
  })
  const pair: MediaPair = {
    caller: end('caller'),
    callee: end('callee'),
    join: async () => void said.push('join'),
    record: async () => void said.push('record'),
    close: () => void said.push('media closed'),
  }
  const openMedia = vi.fn<OpenMedia>(async (request) => {
    lost = request.onLost
    return pair
  })
  const placeCallee: PlaceCallee = (request, listener) => {
    callees.push({ listener, trunkId: request.trunkId })
    said.push(`dial over ${request.trunkId}`)
    return { hangUp: (cause) => void said.push(`callee hung up: ${cause.reason}`) }
  }
  const callerLeg = {
    offer: 'offer' in given ? undefined : offer,
    listen: (listener: LegListener) => {
      caller = listener
    },
    ringing: () => void said.push('180'),
    progress: (sdp: string) => void said.push(`183 ${sdp}`),
    answer: vi.fn(async (sdp: string) => void said.push(`200 ${sdp}`)),
    hangUp: (cause: HangupCause) => void said.push(`caller hung up: ${cause.reason}`),
  }
  const plan: CallPlan = {
    kind: 'connect',
    number: aNumber(),
    binding: aBoundRoute(given.binding),
    callee: phone('+8613900000002'),
    ringback: 'ringback' in given ? given.ringback : 'melody',
    trunks: Array.from({ length: given.trunks ?? 1 }, (_, at) => trunkId(`t${at + 1}`)),
    reasons: [],
  }
  const liveCalls = createLiveCalls()
  const decide = vi.fn(async (): Promise<CallPlan> => plan)
  const run = createRunCall({
    routerId: 'router',
    plan: decide,
    openMedia,
    append: (event) => void events.push(event),
    liveCalls,
    limits: { trunkSilenceMs: 12_000, resolveMs: 3000, mediaOpenMs: 5000, joinMs: 5000 },
    clock: { now: () => new Date() },
    log: pino({ level: 'silent' }),
    onRinging: () => undefined,
    onOver: () => undefined,
  })
  return {
    said,
    events,
    openMedia,
    pair,
    callerLeg,
    liveCalls,
    decide,
    start: async () => {
      await run(anAttempt({ receivedAt: new Date() }), callerLeg, placeCallee, undefined)
      await settled()
    },
    caller: () => must(caller),
    callee: (at = 0) => must(callees[at]).listener,
    lose: (side: 'caller' | 'callee', cause: HangupCause) => must(lost)(side, cause),
    ends: () => events.filter((event) => event.type === 'end'),
  }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('that has not happened yet')
  return value
}

export const settled = () => vi.advanceTimersByTimeAsync(0)

export async function talking(world: World): Promise<void> {
  await world.start()
  world.callee().onRinging(undefined)
  world.callee().onAnswered('answer of the callee')
  await settled()
}

/** What must hold of every call that is over. */
export function expectOver(world: World, reason: string, by: number): void {
  expect(world.ends()).toHaveLength(1)
  expect(world.ends()[0]).toMatchObject({ releaseReason: reason, releaseDirection: by })
  expect(world.events.filter((event) => event.type === 'start')).toHaveLength(1)
  expect(world.liveCalls.count()).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
}
