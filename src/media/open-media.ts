import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type Mrf from 'drachtio-fsmrf'
import { causeOf, type HangupCause } from '../domain/hangup.ts'
import type { Logger } from '../platform/logger.ts'
import { within } from '../platform/within.ts'
import { closeEndpoint } from './close-endpoint.ts'
import type { MediaHost } from './hosts.ts'
import { createMediaEnd, type FreeswitchEnd } from './media-end.ts'
import { isRefusedOffer, MediaFault } from './media-fault.ts'
import { hasUsableAudio } from './usable-audio.ts'

type Side = 'caller' | 'callee'

/** A media host answers in milliseconds; one that does not must leave time for another try. */
const openMsMax = 2000

export type MediaPair = {
  readonly caller: FreeswitchEnd
  readonly callee: FreeswitchEnd
  join(): Promise<void>
  record(file: string): Promise<void>
  close(): void
}

type OpenRequest = {
  readonly offer: string | undefined
  readonly onLost: (side: Side, cause: HangupCause) => void
}

type Deps = {
  readonly hosts: readonly MediaHost[]
  readonly tonesDir: string
  readonly recordingsDir: string
  readonly log: Logger
}

/**
 * Both ends of a call on one media host: the least loaded one that is up, the others when that one
 * fails, and in the end the first once more. For FreeSWITCH goes through its ports in turn, also
 * those that another process has: an end on such a port is refused as if its offer were at fault,
 * or never comes, and the next one is well. So an offer is the caller's fault when it was refused twice.
 */
export function createOpenMedia(deps: Deps) {
  return async (request: OpenRequest): Promise<MediaPair> => {
    if (request.offer !== undefined && !hasUsableAudio(request.offer)) {
      throw new MediaFault('media-unacceptable')
    }
    return await openOnAny(request, deps)
  }
}

async function openOnAny(request: OpenRequest, deps: Deps): Promise<MediaPair> {
  let refusals = 0
  let fault = new MediaFault('media-failed')
  for (const host of hostsToTry(deps.hosts)) {
    try {
      return await openOn(host, request, deps)
    } catch (err) {
      if (isRefusedOffer(err)) refusals += 1
      if (refusals === 2) throw new MediaFault('media-unacceptable', { cause: err })
      deps.log.warn({ err, host: host.name }, 'media host could not open a call')
      fault = new MediaFault('media-failed', { cause: err })
    }
  }
  throw fault
}

function* hostsToTry(hosts: readonly MediaHost[]): Iterable<MediaHost> {
  const candidates = hosts.filter((host) => host.up).sort((a, b) => a.load - b.load)
  for (const host of [...candidates, ...candidates.slice(0, 1)]) if (host.up) yield host
}

async function openOn(host: MediaHost, request: OpenRequest, deps: Deps): Promise<MediaPair> {
  const { server } = host
  if (server === undefined) throw new Error('media host is down')
  host.load += 1
  try {
    const ends = await openBoth(server, request.offer, deps.log)
    return joinable({ host, ...ends, request, deps })
  } catch (err) {
    host.load -= 1
    throw err
  }
}

type Ends = { readonly caller: Mrf.Endpoint; readonly callee: Mrf.Endpoint }

/** Both or none: what was opened beside a failure is closed, also when it comes late. */
async function openBoth(
  server: Mrf.MediaServer,
  offer: string | undefined,
  log: Logger,
): Promise<Ends> {
  // The library may never come back: its own limit does not cover an event socket that breaks.
  const open = async (options: { remoteSdp?: string }) =>
    await within(openMsMax, 'opening a media end', server.createEndpoint(options), (late) =>
      closeEndpoint(late, log),
    )
  const [caller, callee] = await Promise.allSettled([
    open(offer === undefined ? {} : { remoteSdp: offer }),
    open({}),
  ])
  if (caller.status === 'fulfilled' && callee.status === 'fulfilled') {
    const ends = { caller: caller.value, callee: callee.value }
    // One may have died while the other was being opened; nobody listened to it yet.
    if (ends.caller.conn !== null && ends.callee.conn !== null) return ends
  }
  for (const end of [caller, callee]) {
    if (end.status === 'fulfilled') closeEndpoint(end.value, log)
  }
  if (caller.status === 'rejected') throw caller.reason
  throw callee.status === 'rejected' ? callee.reason : new Error('a media end died while opening')
}

function joinable(given: {
  host: MediaHost
  caller: Mrf.Endpoint
  callee: Mrf.Endpoint
  request: OpenRequest
  deps: Deps
}): MediaPair {
  const { host, request, deps } = given
  const end = (endpoint: Mrf.Endpoint) =>
    createMediaEnd({ endpoint, tonesDir: deps.tonesDir, log: deps.log })
  const caller = end(given.caller)
  const callee = end(given.callee)
  let closed = false
  let joined: Promise<void> | undefined

  const lost = (side: Side, reason: string | undefined) => {
    if (closed) return
    request.onLost(side, causeOfLoss(side, reason))
  }
  watchEnd(given.caller, (reason) => lost('caller', reason))
  watchEnd(given.callee, (reason) => lost('callee', reason))
  const stopListening = host.onLost(() => lost('caller', undefined))

  return {
    caller,
    callee,
    join() {
      joined ??= bridge(caller, callee)
      return joined
    },
    async record(file) {
      const path = join(deps.recordingsDir, file)
      await mkdir(dirname(path), { recursive: true })
      await Promise.all([
        caller.api('uuid_setvar', [caller.uuid, 'RECORD_STEREO', 'true']),
        // FreeSWITCH holds 25 frames back by default and drops them when a silent side hangs up.
        caller.api('uuid_setvar', [caller.uuid, 'RECORD_PRE_BUFFER_FRAMES', '1']),
      ])
      await caller.api('uuid_record', [caller.uuid, 'start', path])
    },
    close() {
      if (closed) return
      closed = true
      host.load -= 1
      stopListening()
      caller.close()
      callee.close()
    },
  }
}

async function bridge(caller: FreeswitchEnd, callee: FreeswitchEnd): Promise<void> {
  await caller.ringbackOver()
  await caller.api('uuid_bridge', [caller.uuid, callee.uuid])
  caller.joined()
  callee.joined()
}

/**
 * A bridged channel tells its end on the event socket without a cause; the BYE that comes before
 * has it: `Reason: SIP;cause=604;text="MEDIA_TIMEOUT"`.
 */
function watchEnd(endpoint: Mrf.Endpoint, onEnd: (reason: string | undefined) => void): void {
  endpoint.on('destroy', (event?: { reason?: string }) => onEnd(event?.reason))
  endpoint.dialog?.on('destroy', (bye) => onEnd(/text="(\w+)"/.exec(bye?.get('Reason') ?? '')?.[1]))
}

/** FreeSWITCH ends a channel whose packets stopped coming; that is the party's network, not the host. */
function causeOfLoss(side: Side, reason: string | undefined): HangupCause {
  if (reason === 'MEDIA_TIMEOUT') return causeOf(side === 'caller' ? 'caller-lost' : 'callee-lost')
  return causeOf('media-lost')
}
