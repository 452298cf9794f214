import { resolve as resolvePath } from 'node:path'
import type { LiveCalls } from '../call/live-calls.ts'
import type { CallLimits, OpenMedia, PlaceCallee } from '../call/ports.ts'
import { createRunCall } from '../call/run-call.ts'
import type { CallAttempt, CallPlan, RouteRecord } from '../domain/call.ts'
import type { CallEvent, CallFacts } from '../domain/call-event.ts'
import { causeOf, type HangupReason } from '../domain/hangup.ts'
import type { Trunk } from '../domain/trunk.ts'
import { connectMediaHost, type MediaHost, parseMediaHosts } from '../media/hosts.ts'
import { createOpenMedia } from '../media/open-media.ts'
import { systemClock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Settings } from '../platform/settings.ts'
import { within } from '../platform/within.ts'
import { planCall, refusalOf } from '../route/plan-call.ts'
import type { Admission } from '../sip/admission.ts'
import { placeCallee } from '../sip/callee-leg.ts'
import type { DialledParser } from '../sip/dialled.ts'
import type { RealNumberParser } from '../sip/identity-in.ts'
import { createInviteHandler } from '../sip/on-invite.ts'
import { createSipServer, parseSipServers, type SipServer } from '../sip/servers.ts'
import type { TrunkHealth } from '../trunks/trunk-health.ts'
import { hearing, wellFirst } from './trunk-watch.ts'

const limits: CallLimits = {
  // A mobile network takes up to ten seconds to ring; silence for longer means that nobody is there.
  trunkSilenceMs: 12_000,
  // Redis answers in a millisecond; Postgres behind a breaker in a few. A caller hears nothing meanwhile.
  resolveMs: 3_000,
  // The media host is next to us and answers in milliseconds; the library itself gives up after 4 s.
  mediaOpenMs: 5_000,
  joinMs: 5_000,
}

/** How often a refresh proves that the other end is still there (RFC 4028 recommends 30 minutes). */
const sessionSeconds = 1800

export type Calls = {
  readonly servers: readonly SipServer[]
  readonly hosts: readonly MediaHost[]
  close(): void
}

export type CallsDeps = {
  readonly settings: Settings
  readonly log: Logger
  readonly metrics: Metrics
  readonly admission: Admission
  readonly liveCalls: LiveCalls
  readonly parser: DialledParser & RealNumberParser & { national(e164: string): string }
  readonly resolveRoute: (attempt: CallAttempt) => Promise<RouteRecord>
  readonly append: (event: CallEvent) => void
  readonly trunks: {
    bySource(address: string): Trunk | undefined
    byId(id: string): Trunk | undefined
    outgoing(): readonly Trunk[]
  }
  readonly trunkHealth: TrunkHealth
  readonly folders: { readonly recordings: string; readonly tones: string }
}

/**
 * The call path, joined: sip → resolve → route → call → media, each INVITE with the SIP server that
 * it came from and the media hosts that are reached through it.
 */
export function startCalls(deps: CallsDeps): Calls {
  const { settings, log, metrics } = deps
  const mediaAddresses = parseMediaHosts(settings.FREESWITCH_URLS)
  const hostsByServer = new Map<string, readonly MediaHost[]>()
  const runners = new Map<string, ReturnType<typeof createRunCall>>()

  const onInvite = createInviteHandler({
    trunkBySource: deps.trunks.bySource,
    parser: deps.parser,
    admission: deps.admission,
    now: systemClock.now,
    log,
    onStranger: () => metrics.strangers.inc(),
    run: async (attempt, leg, server, refusal) => {
      metrics.callsStarted.inc({ trunk: attempt.trunkId })
      const run = runners.get(server.name)
      if (run === undefined) throw new Error(`no runner for SIP server ${server.name}`)
      await run(attempt, leg, placeOver(server, deps), refusal)
    },
  })

  const servers = parseSipServers(settings.DRACHTIO_URL).map((address, serverAt) => {
    const server = createSipServer({
      address,
      log,
      onInvite,
      knows: (source) => deps.trunks.bySource(source) !== undefined,
      onChange: (up) =>
        metrics.sipServerUp.set({ server: `${address.host}:${address.port}` }, up ? 1 : 0),
    })
    const hosts = mediaAddresses.map((media, hostAt) =>
      connectMediaHost({
        srf: server.srf,
        address: media,
        listenHost: settings.MEDIA_LISTEN_HOST,
        // Each connection listens for itself, so a fixed port is the first of a row.
        listenPort:
          settings.MEDIA_LISTEN_PORT === 0
            ? 0
            : settings.MEDIA_LISTEN_PORT + serverAt * mediaAddresses.length + hostAt,
        log,
        onChange: (up) =>
          metrics.mediaHostUp.set({ host: `${media.host}:${media.port}` }, up ? 1 : 0),
      }),
    )
    hostsByServer.set(server.name, hosts)
    runners.set(server.name, runnerFor(hosts, deps))
    return server
  })

  const hosts = [...hostsByServer.values()].flat()
  return {
    servers,
    hosts,
    close() {
      for (const host of hosts) host.close()
      for (const server of servers) server.disconnect()
    },
  }
}

function runnerFor(hosts: readonly MediaHost[], deps: CallsDeps) {
  const { metrics } = deps
  const openMedia: OpenMedia = createOpenMedia({
    hosts,
    tonesDir: resolvePath(deps.folders.tones),
    recordingsDir: resolvePath(deps.folders.recordings),
    log: deps.log,
  })
  return createRunCall({
    routerId: deps.settings.ROUTER_ID,
    plan: (attempt, refusal) => planAttempt(attempt, refusal, deps),
    openMedia,
    append: deps.append,
    liveCalls: deps.liveCalls,
    limits,
    clock: systemClock,
    log: deps.log,
    onRinging: (postDialMs) => metrics.postDialDelay.observe(postDialMs / 1000),
    onOver: (facts) => countCall(facts, metrics),
  })
}

async function planAttempt(
  attempt: CallAttempt,
  refusal: HangupReason | undefined,
  deps: CallsDeps,
): Promise<CallPlan> {
  if (refusal !== undefined) return refused(refusal)
  let record: RouteRecord
  try {
    record = await within(limits.resolveMs, 'resolving the call', deps.resolveRoute(attempt))
  } catch (err) {
    deps.log.error({ err, callId: attempt.callId }, 'call could not be looked up')
    return refused('internal-error', 503)
  }
  return planCall({
    attempt,
    record,
    trunks: wellFirst(deps.trunks.outgoing(), deps.trunkHealth).map((trunk) => trunk.id),
    unmatchedSipStatus: deps.settings.UNMATCHED_SIP_STATUS,
  })
}

const refused = (reason: HangupReason, status?: number): CallPlan => ({
  kind: 'refuse',
  number: undefined,
  binding: undefined,
  refusal: refusalOf(reason, status),
  reasons: [`refused before it was looked up: ${reason}`],
})

function placeOver(server: SipServer, deps: CallsDeps): PlaceCallee {
  return (request, listener) => {
    const trunk = deps.trunks.byId(request.trunkId)
    if (trunk === undefined) {
      // Removed between the plan and the dialling.
      queueMicrotask(() => listener.onFailed(causeOf('trunk-failed'), true))
      return { hangUp: () => undefined }
    }
    return placeCallee(
      {
        srf: server.srf,
        trunk,
        callee: request.callee,
        x: request.x,
        offer: request.offer,
        sessionSeconds,
        national: deps.parser.national,
        log: deps.log.child({ callId: request.callId }),
        onServerLost: server.onLost,
      },
      hearing(listener, trunk, deps.trunkHealth),
    )
  }
}

function countCall(facts: CallFacts, metrics: Metrics): void {
  const { releaseReason, startTime, releaseTime } = facts
  if (releaseReason === undefined) return
  metrics.callsEnded.inc({ reason: releaseReason })
  if (startTime === undefined || releaseTime === undefined) return
  metrics.talkTime.observe((releaseTime.getTime() - startTime.getTime()) / 1000)
}
