import type { CallAttempt, CallPlan } from '../domain/call.ts'
import type { CallFacts } from '../domain/call-event.ts'
import { causeOf, type HangupCause } from '../domain/hangup.ts'
import type { Logger } from '../platform/logger.ts'
import { within } from '../platform/within.ts'
import { eventOf, recordingFile } from './call-facts.ts'
import { type CallEffect, type CallInput, type CallState, step } from './call-machine.ts'
import type {
  CalleeLeg,
  CallerLeg,
  LegEnd,
  LegListener,
  MediaPair,
  PlaceCallee,
  Side,
} from './ports.ts'
import type { CallRunnerDeps } from './run-call.ts'

type ConnectPlan = CallPlan & { readonly kind: 'connect' }

type Given = {
  readonly deps: CallRunnerDeps
  readonly log: Logger
  readonly attempt: CallAttempt
  readonly plan: ConnectPlan
  readonly facts: CallFacts
  readonly caller: CallerLeg
  readonly placeCallee: PlaceCallee
}

/**
 * One call with two legs: carries out what the machine decides, and tells the machine what came
 * of it. The two legs meet here and nowhere else, and only as SDP of our own media server.
 */
export function createConnectedCall(given: Given) {
  return new ConnectedCall(given)
}

class ConnectedCall {
  readonly #given: Given
  #state: CallState = { at: 'arrived' }
  #facts: CallFacts
  #media: MediaPair | undefined
  #callee: CalleeLeg | undefined
  #calleeSdp: string | undefined
  #ringTimer: NodeJS.Timeout | undefined
  #silenceTimer: NodeJS.Timeout | undefined
  #talkTimer: NodeJS.Timeout | undefined
  #recordingOn = false

  constructor(given: Given) {
    this.#given = given
    this.#facts = given.facts
  }

  begin(): void {
    const { caller, deps, attempt } = this.#given
    caller.listen(this.#listenerFor('caller'))
    deps.liveCalls.add(attempt.callId, {
      end: (cause) => this.#ended(cause, 0),
    })
    this.#take({ type: 'planned' })
  }

  /** The caller left while the call was being planned. */
  callerGone(cause: HangupCause): void {
    this.#ended(cause, 1)
  }

  #now(): number {
    return this.#given.deps.clock.now().getTime()
  }

  #take(input: CallInput): void {
    const before = this.#state.at
    const { state, effects } = step(this.#state, input)
    this.#state = state
    if (before !== state.at) this.#given.log.debug({ from: before, to: state.at }, 'call moved')
    for (const effect of effects) this.#carryOut(effect)
  }

  #ended(cause: HangupCause, by: 0 | 1 | 2): void {
    this.#take({ type: 'ended', cause, by, atMs: this.#now() })
  }

  #carryOut(effect: CallEffect): void {
    switch (effect.do) {
      case 'open-media':
        this.#run(this.#openMedia())
        break
      case 'dial':
        this.#dial(effect.trunk)
        break
      case 'pass-ringing':
        this.#passRinging(effect.first)
        break
      case 'pass-early-media':
        this.#run(this.#passEarlyMedia(effect.first))
        break
      case 'join':
        this.#run(this.#join())
        break
      case 'begin-talk':
        this.#beginTalk()
        break
      case 'release':
        this.#release()
        break
    }
  }

  #run(work: Promise<void>): void {
    work.catch((err: unknown) => {
      if (this.#state.at === 'over') return
      this.#given.log.warn({ err }, 'call cannot go on')
      this.#ended(hangupOf(err) ?? causeOf('media-failed'), 0)
    })
  }

  async #openMedia(): Promise<void> {
    const { deps, attempt, caller } = this.#given
    const opening = deps.openMedia({
      callId: attempt.callId,
      offer: caller.offer,
      onLost: (side, cause) => this.#mediaLost(side, cause),
    })
    const pair = await within(deps.limits.mediaOpenMs, 'opening media', opening, (late) =>
      late.close(),
    )
    if (this.#state.at === 'over') {
      pair.close()
      return
    }
    this.#media = pair
    this.#take({ type: 'media-ready' })
  }

  #mediaLost(side: Side, cause: HangupCause): void {
    const byParty = cause.fault === 'carrier'
    this.#ended(cause, byParty ? (side === 'caller' ? 1 : 2) : 0)
  }

  #dial(index: number): void {
    const { plan, attempt, placeCallee, deps, log } = this.#given
    const trunkId = plan.trunks[index]
    const media = this.#media
    if (trunkId === undefined || media === undefined) {
      this.#ended(causeOf('no-trunk'), 0)
      return
    }
    const at = deps.clock.now()
    this.#facts = { ...this.#facts, trunkOut: trunkId, callOutTime: this.#facts.callOutTime ?? at }
    this.#ringTimer ??= setTimeout(
      () => this.#ended(causeOf('ring-timeout'), 0),
      plan.binding.ringSecondsMax * 1000,
    )
    const trunksLeft = plan.trunks.length - index - 1
    const fail = (cause: HangupCause, left: number) => {
      clearTimeout(this.#silenceTimer)
      log.info({ trunk: trunkId, reason: cause.reason, trunksLeft: left }, 'callee leg failed')
      this.#take({ type: 'callee-failed', cause, trunksLeft: left, atMs: this.#now() })
    }
    const leg = placeCallee(
      {
        callId: attempt.callId,
        trunkId,
        callee: plan.callee,
        x: plan.number.x,
        offer: media.callee.sdp,
      },
      {
        ...this.#listenerFor('callee'),
        onRinging: (early) => {
          if (this.#callee === leg) this.#ringing(early)
        },
        onAnswered: (sdp) => {
          clearTimeout(this.#silenceTimer)
          // A network whose 183 brought the SDP may leave it out of the 200.
          if (sdp !== '') this.#calleeSdp = sdp
          this.#take({ type: 'answered', atMs: this.#now() })
        },
        onFailed: (cause, next) => fail(cause, next ? trunksLeft : 0),
      },
    )
    this.#callee = leg
    if (trunksLeft === 0) return
    this.#silenceTimer = setTimeout(() => {
      leg.hangUp(causeOf('trunk-failed'))
      fail(causeOf('trunk-failed'), trunksLeft)
    }, deps.limits.trunkSilenceMs)
  }

  #ringing(early: string | undefined): void {
    clearTimeout(this.#silenceTimer)
    if (early !== undefined) this.#calleeSdp = early
    this.#take({ type: 'ringing', early: early !== undefined && this.#passesEarlyMedia() })
  }

  /** The callee's own early media is heard only where the enterprise has no ringback of its own. */
  #passesEarlyMedia(): boolean {
    return this.#given.plan.ringback === undefined && this.#given.caller.offer !== undefined
  }

  #passRinging(first: boolean): void {
    const { plan, caller } = this.#given
    const { ringback } = plan
    const media = this.#media
    if (first) this.#recordRing()
    // Early media needs an answer of ours in the 183; a caller who left the offer to us cannot have it.
    if (ringback === undefined || media === undefined || caller.offer === undefined) {
      caller.ringing()
    } else {
      caller.progress(media.caller.sdp)
      media.caller.playRingback(ringback)
    }
  }

  async #passEarlyMedia(first: boolean): Promise<void> {
    if (first) this.#recordRing()
    const media = this.#media
    const sdp = this.#calleeSdp
    if (media === undefined || sdp === undefined) return
    this.#given.caller.progress(media.caller.sdp)
    await media.callee.negotiate(sdp)
    await media.join()
  }

  #recordRing(): void {
    const { deps } = this.#given
    const at = deps.clock.now()
    this.#facts = { ...this.#facts, ringTime: at }
    deps.append(eventOf('ring', this.#facts, at))
    deps.onRinging(at.getTime() - this.#facts.callTime.getTime())
  }

  async #join(): Promise<void> {
    const { caller, deps } = this.#given
    const media = this.#media
    const sdp = this.#calleeSdp
    clearTimeout(this.#ringTimer)
    if (media === undefined || sdp === undefined) throw new Error('answered without media')
    const joining = media.callee
      .negotiate(sdp)
      .then(() => Promise.all([media.join(), caller.answer(media.caller.sdp)]))
    await within(deps.limits.joinMs, 'joining the legs', joining)
    this.#take({ type: 'joined' })
  }

  #beginTalk(): void {
    const { plan, attempt, deps, log } = this.#given
    if (this.#state.at !== 'talking') return
    const at = new Date(this.#state.answeredAtMs)
    this.#facts = { ...this.#facts, startTime: at }
    this.#talkTimer = setTimeout(
      () => this.#ended(causeOf('talk-limit'), 0),
      plan.binding.talkSecondsMax * 1000,
    )
    if (plan.binding.recording) {
      const file = recordingFile(attempt)
      this.#facts = { ...this.#facts, recording: file }
      this.#run(this.#record(file))
    }
    deps.append(eventOf('answer', this.#facts, at))
    log.debug('call answered')
  }

  async #record(file: string): Promise<void> {
    try {
      await this.#media?.record(file)
      this.#recordingOn = true
    } catch (err) {
      if (this.#state.at === 'over') return
      this.#given.log.error({ err }, 'recording could not be started')
      this.#facts = { ...this.#facts, recording: undefined }
    }
  }

  #listenerFor(side: Side): LegListener {
    const media = () => (side === 'caller' ? this.#media?.caller : this.#media?.callee)
    const other = () => (side === 'caller' ? this.#media?.callee : this.#media?.caller)
    return {
      onEnded: (end: LegEnd) => this.#ended(end.cause, side === 'caller' ? 1 : 2),
      onReoffer: async (offer) => {
        const end = media()
        if (end === undefined) return undefined
        if (offer === undefined) return end.sdp
        return await end.negotiate(offer).catch((err: unknown) => {
          if (hangupOf(err)?.reason === 'media-unacceptable') return undefined
          throw err
        })
      },
      onAnswer: (answer) => {
        media()
          ?.negotiate(answer)
          .catch((err: unknown) => {
            this.#given.log.warn({ err }, 'answer to our offer could not be used')
            this.#ended(hangupOf(err) ?? causeOf('media-failed'), 0)
          })
      },
      onDigit: (digit) => other()?.sendDigit(digit),
    }
  }

  #release(): void {
    const { deps, log, attempt, caller } = this.#given
    if (this.#state.at !== 'over') return
    for (const timer of [this.#ringTimer, this.#silenceTimer, this.#talkTimer]) clearTimeout(timer)
    const { cause, by, endedAtMs } = this.#state
    caller.hangUp(cause)
    this.#callee?.hangUp(cause)
    this.#media?.close()
    const at = new Date(endedAtMs)
    this.#facts = {
      ...this.#facts,
      releaseTime: at,
      releaseDirection: by,
      releaseCause: cause.q850,
      releaseReason: cause.reason,
      // Over before its recording began: there is no file.
      recording: this.#recordingOn ? this.#facts.recording : undefined,
    }
    deps.append(eventOf('end', this.#facts, at))
    deps.liveCalls.remove(attempt.callId)
    deps.onOver(this.#facts)
    log.info({ reason: cause.reason, by, talkMs: talkMs(this.#facts) }, 'call over')
  }
}

const talkMs = (facts: CallFacts): number =>
  facts.startTime === undefined || facts.releaseTime === undefined
    ? 0
    : facts.releaseTime.getTime() - facts.startTime.getTime()

/** Errors of `media/` bring the cause that the caller is told. */
function hangupOf(err: unknown): HangupCause | undefined {
  if (typeof err !== 'object' || err === null || !('hangup' in err)) return undefined
  return err.hangup as HangupCause
}
