import type { HangupCause } from '../domain/hangup.ts'
import type { CallId, TrunkId, VirtualNumber } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'

/** How a party left. `gave-up`: before the answer. `lost`: we only know that it is gone. */
export type LegEnd = {
  readonly how: 'gave-up' | 'hung-up' | 'lost'
  readonly cause: HangupCause
}

/** What a party does inside an answered call, or while it rings. */
export type LegListener = {
  onEnded(end: LegEnd): void
  /**
   * The party offers other media (hold, another codec). Undefined `offer`: it asks for ours.
   * Resolves to our answer, or to undefined when its offer cannot be used.
   */
  onReoffer(offer: string | undefined): Promise<string | undefined>
  /** The party's answer to an offer of ours that went out in a 200. */
  onAnswer(answer: string): void
  onDigit(digit: string): void
}

/** The party that dialled X. */
export type CallerLeg = {
  /** Its SDP; undefined when it leaves the offer to us (RFC 3264 delayed offer). */
  readonly offer: string | undefined
  listen(listener: LegListener): void
  /** 180. */
  ringing(): void
  /** 183 with media. */
  progress(sdp: string): void
  /** 200. Resolves when it is on its way; rejects when the caller is no longer there. */
  answer(sdp: string): Promise<void>
  /** In any state: refuse, or BYE, or nothing when it is gone already. */
  hangUp(cause: HangupCause): void
}

export type CalleeListener = LegListener & {
  onRinging(earlyMedia: string | undefined): void
  onAnswered(sdp: string): void
  onFailed(cause: HangupCause, mayTryNextTrunk: boolean): void
}

/** The party that we ring. */
export type CalleeLeg = {
  /** In any state: CANCEL, or BYE, or nothing. */
  hangUp(cause: HangupCause): void
}

/** Told everything that the callee's side may know, and nothing of the caller. */
export type PlaceCallee = (
  request: {
    readonly callId: CallId
    readonly trunkId: TrunkId
    readonly callee: PhoneNumber
    readonly x: VirtualNumber
    readonly offer: string
  },
  listener: CalleeListener,
) => CalleeLeg

export type Side = 'caller' | 'callee'

/** One party's end in the media server. */
export type MediaEnd = {
  /** Our SDP towards this party. */
  readonly sdp: string
  /** Take the party's SDP; gives ours. Rejects with `hangup` media-unacceptable when it cannot be used. */
  negotiate(sdp: string): Promise<string>
  /** Play a tone in a loop until the call is joined. */
  playRingback(code: string): void
  sendDigit(digit: string): void
}

export type MediaPair = {
  readonly caller: MediaEnd
  readonly callee: MediaEnd
  /** Let the two hear each other. */
  join(): Promise<void>
  /** Record both sides, one channel each. `file` is a path below the recordings folder. */
  record(file: string): Promise<void>
  close(): void
}

/** Limits on everything that a call waits for: without them a lost answer would hold both legs for ever. */
export type CallLimits = {
  /** A trunk that says nothing at all for so long is passed over, if there is another. */
  readonly trunkSilenceMs: number
  readonly resolveMs: number
  readonly mediaOpenMs: number
  readonly joinMs: number
}

/** Open both ends at the same media host. Rejects when no host can; the error carries its `hangup` cause where one is known. */
export type OpenMedia = (request: {
  readonly callId: CallId
  readonly offer: string | undefined
  readonly onLost: (side: Side, cause: HangupCause) => void
}) => Promise<MediaPair>
