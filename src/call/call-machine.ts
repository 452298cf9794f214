import type { ReleaseDirection } from '../domain/call.ts'
import type { HangupCause } from '../domain/hangup.ts'

/**
 * The life of one call through X.
 *
 * ```txt
 * arrived ─planned▶ opening ─media-ready▶ dialing ─ringing▶ ringing
 *                                          ▲  │ │              │
 *                              next trunk ─┘  │ └── answered ──┤
 *                                             │                ▼
 *                                             │             joining ─joined▶ talking
 *    └──────┴──────────────┴──────────────────┴────────────────┴───ended──────┴──▶ over
 * ```
 * `over` is final. An input for something that is past is normal SIP (their BYE crossing ours),
 * so it is ignored, not thrown.
 */
export type CallState =
  | { readonly at: 'arrived' }
  | { readonly at: 'opening' }
  | { readonly at: 'dialing'; readonly trunk: number }
  | { readonly at: 'ringing'; readonly early: boolean }
  | { readonly at: 'joining'; readonly answeredAtMs: number }
  | { readonly at: 'talking'; readonly answeredAtMs: number }
  | {
      readonly at: 'over'
      readonly cause: HangupCause
      readonly by: ReleaseDirection
      readonly answeredAtMs: number | undefined
      readonly endedAtMs: number
    }

export type CallInput =
  | { readonly type: 'planned' }
  | { readonly type: 'media-ready' }
  | { readonly type: 'ringing'; readonly early: boolean }
  | { readonly type: 'answered'; readonly atMs: number }
  | { readonly type: 'joined' }
  | {
      readonly type: 'callee-failed'
      readonly cause: HangupCause
      readonly trunksLeft: number
      readonly atMs: number
    }
  | {
      readonly type: 'ended'
      readonly cause: HangupCause
      readonly by: ReleaseDirection
      readonly atMs: number
    }

export type CallEffect =
  | { readonly do: 'open-media' | 'join' | 'begin-talk' | 'release' }
  | { readonly do: 'dial'; readonly trunk: number }
  | { readonly do: 'pass-ringing' | 'pass-early-media'; readonly first: boolean }

export type Step = { readonly state: CallState; readonly effects: readonly CallEffect[] }

const callee: ReleaseDirection = 2

/** All of a call's behaviour. No clock, no socket, no await: the runner carries out the effects. */
export function step(state: CallState, input: CallInput): Step {
  if (input.type === 'ended') return end(state, input)
  switch (state.at) {
    case 'arrived':
      return input.type === 'planned' ? to({ at: 'opening' }, { do: 'open-media' }) : stay(state)
    case 'opening':
      return input.type === 'media-ready' ? dial(0) : stay(state)
    case 'dialing':
      return whileDialing(state, input)
    case 'ringing':
      return whileRinging(state, input)
    case 'joining':
      return input.type === 'joined'
        ? to({ at: 'talking', answeredAtMs: state.answeredAtMs }, { do: 'begin-talk' })
        : stay(state)
    case 'talking':
    case 'over':
      return stay(state)
  }
}

function whileDialing(state: CallState & { at: 'dialing' }, input: CallInput): Step {
  switch (input.type) {
    case 'ringing':
      return to({ at: 'ringing', early: input.early }, ringingEffect(input.early, true))
    case 'answered':
      return to({ at: 'joining', answeredAtMs: input.atMs }, { do: 'join' })
    case 'callee-failed':
      if (input.trunksLeft > 0) return dial(state.trunk + 1)
      return end(state, { cause: input.cause, by: callee, atMs: input.atMs })
    case 'planned':
    case 'media-ready':
    case 'joined':
    case 'ended':
      return stay(state)
  }
}

function whileRinging(state: CallState & { at: 'ringing' }, input: CallInput): Step {
  switch (input.type) {
    case 'ringing':
      // A 183 after a 180 brings media that was not there before; anything else is a repeat.
      if (state.early || !input.early) return stay(state)
      return to({ at: 'ringing', early: true }, ringingEffect(true, false))
    case 'answered':
      return to({ at: 'joining', answeredAtMs: input.atMs }, { do: 'join' })
    case 'callee-failed':
      // It rang: what comes now speaks for the callee, and another trunk would ring it again.
      return end(state, { cause: input.cause, by: callee, atMs: input.atMs })
    case 'planned':
    case 'media-ready':
    case 'joined':
    case 'ended':
      return stay(state)
  }
}

const ringingEffect = (early: boolean, first: boolean): CallEffect => ({
  do: early ? 'pass-early-media' : 'pass-ringing',
  first,
})

const to = (state: CallState, ...effects: readonly CallEffect[]): Step => ({ state, effects })

const stay = (state: CallState): Step => ({ state, effects: [] })

const dial = (trunk: number): Step => to({ at: 'dialing', trunk }, { do: 'dial', trunk })

function end(
  state: CallState,
  how: { cause: HangupCause; by: ReleaseDirection; atMs: number },
): Step {
  if (state.at === 'over') return stay(state)
  const { cause, by, atMs } = how
  // A call whose callee answered but whose caller never got the 200 was not a conversation.
  const answeredAtMs = state.at === 'talking' ? state.answeredAtMs : undefined
  return to({ at: 'over', cause, by, answeredAtMs, endedAtMs: atMs }, { do: 'release' })
}
