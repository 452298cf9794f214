import type { PlaceCallee } from '../call/ports.ts'
import type { HangupCause } from '../domain/hangup.ts'
import type { Trunk } from '../domain/trunk.ts'
import { pingTrunk } from '../sip/ping-trunk.ts'
import type { SipServer } from '../sip/servers.ts'
import { createTrunkHealth, type TrunkHealth } from '../trunks/trunk-health.ts'
import { startTrunkPings } from '../trunks/trunk-pings.ts'
import type { Closers } from './closers.ts'

type CalleeListener = Parameters<PlaceCallee>[1]

export const newTrunkHealth = () => createTrunkHealth({ nowMs: () => performance.now() })

export function startTrunkWatch(given: {
  servers: readonly SipServer[]
  outgoing: () => readonly Trunk[]
  health: TrunkHealth
  closers: Closers
}): void {
  const { servers, outgoing, health, closers } = given
  const pings = startTrunkPings({
    ...{ outgoing, health, nowMs: () => performance.now() },
    ping: (trunk) => pingTrunk(servers, trunk),
  })
  closers.push({ name: 'trunk pings', close: async () => pings.stop() })
}

/** Those that do not answer any more are tried last: each would hold its calls up for seconds. */
export function wellFirst(trunks: readonly Trunk[], health: TrunkHealth): readonly Trunk[] {
  const last = trunks.filter((trunk) => health.isLast(trunk))
  return last.length === 0 ? trunks : [...trunks.filter((each) => !last.includes(each)), ...last]
}

/** Listens along: what becomes of a call tells of its trunk. */
export function hearing(
  listener: CalleeListener,
  trunk: Trunk,
  health: TrunkHealth,
): CalleeListener {
  let works = false
  const heard = () => {
    if (!works) health.onCall(trunk, true)
    works = true
  }
  return {
    ...listener,
    onRinging(early) {
      heard()
      listener.onRinging(early)
    },
    onAnswered(sdp) {
      heard()
      listener.onAnswered(sdp)
    },
    onFailed(cause, mayTryNextTrunk) {
      if (!isOfTrunk(cause)) heard()
      // A SIP server that is lost says nothing of the trunk.
      else if (!works && cause.reason !== 'callee-lost') health.onCall(trunk, false)
      listener.onFailed(cause, mayTryNextTrunk)
    },
  }
}

/** Not sent, not answered, or refused by the trunk itself. */
function isOfTrunk({ reason, sipStatus }: HangupCause): boolean {
  return reason === 'trunk-failed' || sipStatus === 408 || sipStatus === 503
}
