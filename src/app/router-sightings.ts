import { hostname } from 'node:os'
import { resolve as resolvePath } from 'node:path'
import type { Sighting } from '../alarms/sightings.ts'
import { createSightingReport } from '../alarms/sightings.ts'
import { createLevel, createSteady } from '../alarms/steady.ts'
import type { CallJournal } from '../cdr/call-journal.ts'
import { startLoop } from '../cdr/loop.ts'
import type { MediaHost } from '../media/hosts.ts'
import type { Settings } from '../platform/settings.ts'
import type { TrunkHealth } from '../trunks/trunk-health.ts'
import type { Lookups } from './lookups.ts'
import type { Shared } from './shared.ts'

const lookEveryMs = 1_000
/** Also when nothing has changed: who says nothing for a minute is gone. */
const reportEveryMs = 5_000

/** A restarted media host is back within seconds: nobody has to look at that. */
const mediaTimes = { illAfterMs: 10_000, wellAfterMs: 15_000 }

/**
 * In per cent of what the journal may hold. With Redis there it stays at half and a segment at
 * most; from 70 on there are about 25 minutes left at 50 calls a second.
 */
const journalLevels = { illFrom: 70, wellBelow: 60 }

/** The router's part in alarms: what it sees of media hosts, outgoing trunks and its own journal. */
export function startRouterSightings(
  {
    settings,
    sql,
    log,
    metrics,
    closers,
  }: Pick<Shared, 'sql' | 'log' | 'metrics' | 'closers'> & {
    settings: Pick<Settings, 'ROUTER_ID'>
  },
  seen: {
    hosts: readonly Pick<MediaHost, 'name' | 'up'>[]
    trunks: Pick<Lookups['trunks'], 'outgoing'>
    trunkHealth: TrunkHealth
    journal: Pick<CallJournal, 'id' | 'stats'>
    journalDir: string
  },
): void {
  const nowMs = () => performance.now()
  const report = createSightingReport({ sql, reporter: seen.journal.id() })
  const lookAtHosts = createHostLook(seen.hosts, nowMs)
  const level = createLevel(journalLevels)
  let told = ''
  let toldMs = Number.NEGATIVE_INFINITY

  const loop = startLoop({
    async step() {
      const trunks = lookAtTrunks(seen.trunks, seen.trunkHealth)
      metrics.trunkUp.reset()
      for (const { subject, health } of trunks) {
        metrics.trunkUp.set({ trunk: subject }, health === 'ill' ? 0 : 1)
      }
      const journal = lookAtJournal(level, seen, settings.ROUTER_ID)
      const all = [...lookAtHosts(), ...trunks, journal]
      const state = JSON.stringify(all.map(({ kind, subject, health }) => [kind, subject, health]))
      if (state === told && nowMs() - toldMs < reportEveryMs) return false
      await report(all)
      told = state
      toldMs = nowMs()
      return false
    },
    ...{ idleMs: lookEveryMs, retryMsMin: 500, retryMsMax: 5_000 },
    onFailure(err, first) {
      if (first) log.warn({ err }, 'what this router sees cannot be told')
    },
    onRecovery: () => log.info('what this router sees is told again'),
  })
  closers.push({ name: 'sightings', close: () => loop.stop() })
}

/** A host is up when it is over every SIP server: calls come in over each. */
function createHostLook(
  hosts: readonly Pick<MediaHost, 'name' | 'up'>[],
  nowMs: () => number,
): () => readonly Sighting[] {
  const steady = new Map(hosts.map(({ name }) => [name, createSteady(mediaTimes)]))
  return () =>
    [...steady].map(([name, each]): Sighting => {
      const isUp = hosts.every((host) => host.name !== name || host.up)
      return {
        ...{ kind: 'media-host-down', subject: name, health: each.see(isUp, nowMs()) },
        detail: `${name} ${isUp ? 'takes calls' : 'cannot be reached'}.`,
      }
    })
}

function lookAtTrunks(
  trunks: Pick<Lookups['trunks'], 'outgoing'>,
  health: TrunkHealth,
): readonly Sighting[] {
  return trunks
    .outgoing()
    .map((trunk) => ({ kind: 'trunk-down', subject: trunk.id, ...health.stateOf(trunk) }))
}

function lookAtJournal(
  level: ReturnType<typeof createLevel>,
  { journal, journalDir }: { journal: Pick<CallJournal, 'id' | 'stats'>; journalDir: string },
  routerId: string,
): Sighting {
  const percent = Math.round(journal.stats().usedPercent * 100) / 100
  const place = `${hostname()}, ${resolvePath(journalDir)}`
  return {
    ...{ kind: 'journal-filling', subject: journal.id(), health: level.see(percent), percent },
    detail: `The journal of router ${routerId} (${place}) is used to ${percent} %.`,
  }
}
