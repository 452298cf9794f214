import type { Channel } from './channel.ts'

/**
 * Joins two channels and takes them apart, at the pace of the real server: the command is accepted at once, and
 * only in the beats after it do the applications end, does each side enter the bridge, and does audio flow.
 *
 * ```txt
 * accepted ──1 beat──▶ applications cut, base application complete ──▶ A in the bridge ──▶ B in it: audio flows
 * ```
 */
export type Bridging = {
  /** Undefined: one of them is gone. */
  bridge(a: Channel, b: Channel): boolean
  /** `uuid_transfer … park inline`. */
  park(channel: Channel, both: boolean): void
  /** One of a pair has ended: the other is parked. */
  onGone(channel: Channel): void
  tick(): void
}

type Step = () => void
/** Work for the coming beats; it is dropped as soon as one of the channels is gone. */
type Change = { readonly channels: readonly Channel[]; readonly steps: Step[] }

export function createBridging(): Bridging {
  const changes = new Set<Change>()

  function begin(channels: readonly Channel[], steps: Step[]): void {
    for (const channel of channels) channel.inTransition = true
    changes.add({ channels, steps })
  }

  function finish(change: Change): void {
    changes.delete(change)
    for (const channel of change.channels) channel.inTransition = false
  }

  function pending(channel: Channel): Change | undefined {
    return [...changes].find(({ channels }) => channels.includes(channel))
  }

  return {
    bridge(a, b) {
      if (a.gone || b.gone || a === b) return false
      for (const channel of [a, b]) {
        const before = pending(channel)
        if (before !== undefined) finish(before)
        const other = separate(channel)
        if (other !== undefined && other !== a && other !== b) begin([other], parking(other))
      }
      a.otherLeg = b.uuid
      b.otherLeg = a.uuid
      begin([a, b], joining(a, b))
      return true
    },
    park(channel, both) {
      const before = pending(channel)
      if (before !== undefined) {
        // Seen on the real server: a transfer that overtakes a bridge in the making kills the second leg.
        finish(before)
        const second = before.channels.find((each) => each !== channel)
        if (before.steps.length > 0) second?.hangUp('DESTINATION_OUT_OF_ORDER')
      }
      const other = separate(channel)
      const parked = both && other !== undefined ? [channel, other] : [channel]
      begin(parked, transferring(parked))
      // The other one would end its call, but the dialplan has set park_after_bridge.
      if (!both && other !== undefined) begin([other], parking(other))
    },
    onGone(channel) {
      const before = pending(channel)
      if (before !== undefined) finish(before)
      const other = separate(channel)
      if (other !== undefined && !other.gone) begin([other], parking(other))
    },
    tick() {
      for (const change of changes) {
        change.steps.shift()?.()
        if (change.steps.length === 0 || change.channels.some(({ gone }) => gone)) finish(change)
      }
    },
  }
}

/** Ends the bridge at once for both; the other one is returned. */
function separate(channel: Channel): Channel | undefined {
  const { partner } = channel
  channel.partner = undefined
  if (partner !== undefined) partner.partner = undefined
  return partner
}

function leaveBase(channel: Channel): void {
  channel.stopApplications('cut')
  channel.emit('CHANNEL_EXECUTE_COMPLETE', {
    Application: channel.base,
    'Application-Response': '_none_',
  })
}

function enterBridge(channel: Channel, other: Channel): void {
  channel.base = 'uuid_bridge'
  channel.emit('CHANNEL_EXECUTE', {
    Application: 'uuid_bridge',
    'Application-Data': other.uuid,
  })
}

function joining(a: Channel, b: Channel): Step[] {
  return [
    () => leaveBase(a),
    () => {
      leaveBase(b)
      enterBridge(a, b)
    },
    () => {
      enterBridge(b, a)
      a.partner = b
      b.partner = a
      for (const [one, two] of [
        [a, b],
        [b, a],
      ] as const) {
        one.variables.set('bridge_uuid', two.uuid)
        one.variables.set('signal_bond', two.uuid)
      }
    },
  ]
}

function transferring(channels: readonly Channel[]): Step[] {
  const state = (name: string) => () => {
    for (const channel of channels) {
      channel.emit('CHANNEL_CALLSTATE', { 'Channel-Call-State': name })
    }
  }
  return [
    () => {
      for (const channel of channels) channel.stopApplications('cut')
      state('RINGING')()
    },
    state('ACTIVE'),
    () => {
      for (const channel of channels) enterPark(channel)
    },
  ]
}

/** The dialplan parks whoever is left behind; that is not announced. */
function parking(channel: Channel): Step[] {
  return [() => stay(channel)]
}

function enterPark(channel: Channel): void {
  channel.otherLeg = undefined
  channel.base = 'park'
  channel.emit('CHANNEL_EXECUTE', { Application: 'park' })
  stay(channel)
}

function stay(channel: Channel): void {
  // With nobody left to tell it what to do, it would stay for ever.
  if (!channel.controlled) channel.hangUp('NORMAL_CLEARING')
}
