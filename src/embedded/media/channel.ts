import { describeChannel } from './channel-data.ts'
import type { ExecuteMessage } from './esl-connection.ts'
import type { EventBus } from './esl-events.ts'
import type { EslFields } from './esl-text.ts'
import { type Codec, samplesPerFrame, silenceByte, transcode } from './g711.ts'
import type { Recording } from './recording.ts'
import type { AudioFrame } from './rtp-sender.ts'
import type { RtpSession } from './rtp-session.ts'
import type { Digit } from './telephone-event.ts'

/** An application under way: it is given every beat until it says that it is finished. */
export type RunningApplication = {
  tick(): void
  /** Must end at once. */
  stop(why: StopReason): void
  digit?(digit: string): void
}

export type StopReason = 'break' | 'cut'

export type ApplicationResult = { readonly response: string; readonly fields?: EslFields }

/** Starts an application. One that ends at once calls `finish` before it returns. */
export type StartApplication = (run: {
  channel: Channel
  argument: string
  finish(result: ApplicationResult): void
}) => RunningApplication | undefined

/** The SIP dialog of a channel. */
export type SignallingLeg = { hangUp(cause: string): void }

type Waiting = { readonly message: ExecuteMessage; readonly dueAt: number }
type Running = { readonly message: ExecuteMessage; application: RunningApplication | undefined }

/** Half a beat, so that a message waits one beat (20 ms) on average, as on the real server. */
const executeDelayMs = 10
/** Nobody sends that many before the first is done. */
const waitingMax = 1000

/**
 * One endpoint: a SIP dialog, an RTP session, variables, and a stack of applications. Messages are taken once per
 * beat; one that arrives while an application runs is executed inside it, which then waits (so `hangup` or
 * `record_session` during a playback work, and a playback during a playback interrupts it).
 */
export class Channel {
  readonly uuid: string
  readonly createdAt = new Date()
  readonly variables = new Map<string, string>()
  readonly rtp: RtpSession
  readonly recordings = new Map<string, Recording>()
  /** What the channel does when nothing else runs; the dialplan began with `socket`. */
  base: 'socket' | 'park' | 'uuid_bridge' = 'socket'
  partner: Channel | undefined
  /** The other leg as events name it: from the moment a bridge is asked for, and after the other has gone. */
  otherLeg: string | undefined
  hangupCause: string | undefined
  readMuted = false
  writeMuted = false
  /** Its own event socket connection is open. */
  controlled = true
  /** Set while a bridge is being made or taken down: messages wait until it is done. */
  inTransition = false
  readonly #bus: EventBus
  readonly #start: (application: string) => StartApplication | undefined
  readonly #leg: SignallingLeg
  readonly #onGone: (channel: Channel) => void
  readonly #waiting: Waiting[] = []
  readonly #running: Running[] = []

  constructor(deps: {
    uuid: string
    rtp: RtpSession
    leg: SignallingLeg
    bus: EventBus
    application(name: string): StartApplication | undefined
    onGone(channel: Channel): void
  }) {
    this.uuid = deps.uuid
    this.rtp = deps.rtp
    this.#leg = deps.leg
    this.#bus = deps.bus
    this.#start = deps.application
    this.#onGone = deps.onGone
  }

  get codec(): Codec {
    return this.rtp.agreement?.codec ?? 'PCMU'
  }

  get gone(): boolean {
    return this.hangupCause !== undefined
  }

  /** Playing something, so that the bridge is suspended. */
  get busy(): boolean {
    return this.#running.length > 0
  }

  emit(name: string, fields: EslFields): void {
    this.#bus.publish(name, { ...describeChannel(this), ...fields })
  }

  execute(message: ExecuteMessage): void {
    if (this.#waiting.length >= waitingMax) return
    this.#waiting.push({ message, dueAt: performance.now() + executeDelayMs })
  }

  tick(): void {
    if (!this.inTransition) this.#takeDue()
    if (this.gone) return
    this.#running.at(-1)?.application?.tick()
    if (this.rtp.sender.sendingDigit) this.rtp.sender.tick()
    for (const recording of this.recordings.values()) recording.tick()
  }

  /** `uuid_break`: ends what is playing, and with `all` drops what was still to come. */
  break(all: boolean): void {
    if (all) this.#waiting.length = 0
    this.stopApplications('break', all ? this.#running.length : 1)
  }

  /** From the innermost outwards. */
  stopApplications(why: StopReason, count = this.#running.length): void {
    const innermost = [...this.#running].reverse().slice(0, count)
    for (const { application } of innermost) application?.stop(why)
  }

  hangUp(cause: string, by: 'us' | 'peer' = 'us'): void {
    if (this.gone) return
    this.hangupCause = cause
    if (by === 'us') this.#leg.hangUp(cause)
    this.#waiting.length = 0
    this.stopApplications('cut')
    for (const recording of this.recordings.values()) void this.stopRecording(recording)
    // Of a joined leg the real server often says nothing but goodbye, so nobody may count on more.
    if (this.partner === undefined) this.#sayHungUp(cause)
    this.#onGone(this)
  }

  #sayHungUp(cause: string): void {
    const why = { 'Hangup-Cause': cause }
    if (this.base !== 'uuid_bridge') {
      this.emit('CHANNEL_EXECUTE_COMPLETE', {
        Application: this.base,
        'Application-Response': '_none_',
        'Channel-Call-State': 'ACTIVE',
        ...why,
      })
    }
    this.emit('CHANNEL_CALLSTATE', { 'Channel-Call-State': 'HANGUP', ...why })
  }

  async stopRecording(recording: Recording): Promise<void> {
    this.recordings.delete(recording.path)
    await recording.stop()
    this.emit('RECORD_STOP', { 'Record-File-Path': recording.path })
  }

  /** What the party said. */
  onAudio(frame: AudioFrame): void {
    const heard = this.readMuted ? silenced(frame) : frame
    for (const recording of this.recordings.values()) recording.read(heard.codec, heard.payload)
    const { partner } = this
    if (partner === undefined || this.busy || partner.busy) return
    partner.forward(heard)
  }

  onDigit({ digit, duration, timestamp, ssrc }: Digit): void {
    this.receiveDigit(digit, duration, {
      'DTMF-Source': 'RTP',
      'DTMF-SSRC': String(ssrc),
      'DTMF-Timestamp': String(timestamp),
    })
  }

  receiveDigit(digit: string, duration: number, fields: EslFields): void {
    this.emit('DTMF', { 'DTMF-Digit': digit, 'DTMF-Duration': String(duration), ...fields })
    this.#running.at(-1)?.application?.digit?.(digit)
    if (this.partner !== undefined && !this.busy)
      this.partner.rtp.sender.queueDigit(digit, duration)
  }

  /** Of the other leg, in its own rhythm. */
  forward(frame: AudioFrame): void {
    const { codec } = this
    const payload = this.#written(transcode(frame.codec, codec, frame.payload))
    this.rtp.sender.forward(codec, { ...frame, payload })
  }

  /** The next 20 ms of something of ours. */
  play(payload: Uint8Array): void {
    this.rtp.sender.play(this.codec, this.#written(payload))
  }

  #written(payload: Uint8Array): Uint8Array {
    const { codec } = this
    const audible = this.writeMuted ? silentPayload(codec, payload.length) : payload
    for (const recording of this.recordings.values()) recording.written(codec, audible)
    return audible
  }

  #takeDue(): void {
    const now = performance.now()
    for (;;) {
      const [next] = this.#waiting
      if (next === undefined || next.dueAt > now) return
      this.#waiting.shift()
      for (let loop = 0; loop < next.message.loops && !this.gone; loop++) this.#run(next.message)
      // What takes time begins first; the next message finds it running.
      if (this.gone || this.busy) return
    }
  }

  #run(message: ExecuteMessage): void {
    const about = {
      Application: message.application,
      ...(message.argument === '' ? {} : { 'Application-Data': message.argument }),
      ...(message.eventUuid === undefined ? {} : { 'Application-UUID': message.eventUuid }),
    }
    const start = this.#start(message.application)
    if (start === undefined) {
      this.hangUp('DESTINATION_OUT_OF_ORDER')
      return
    }
    this.emit('CHANNEL_EXECUTE', about)
    const running: Running = { message, application: undefined }
    this.#running.push(running)
    const application = start({
      channel: this,
      argument: this.expand(message.argument),
      finish: ({ response, fields }) => {
        const at = this.#running.indexOf(running)
        if (at === -1) return
        this.#running.splice(at, 1)
        this.emit('CHANNEL_EXECUTE_COMPLETE', {
          ...about,
          'Application-Response': response,
          ...fields,
        })
      },
    })
    running.application = application
  }

  /** `${name}` in arguments. */
  expand(text: string): string {
    return text.replace(/\$\{([^}]+)\}/g, (_, name: string) =>
      name === 'uuid' ? this.uuid : (this.variables.get(name) ?? ''),
    )
  }
}

function silentPayload(codec: Codec, length: number): Uint8Array {
  return new Uint8Array(length || samplesPerFrame).fill(silenceByte[codec])
}

function silenced(frame: AudioFrame): AudioFrame {
  return { ...frame, payload: silentPayload(frame.codec, frame.payload.length) }
}
