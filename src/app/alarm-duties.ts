import { countOpenAlarms } from '../alarms/alarms.ts'
import { createSightingWatch } from '../alarms/sighting-watch.ts'
import { createCertificationAlarms } from '../certification/certification-alarms.ts'
import type { AccountId } from '../domain/ids.ts'
import { createPoolWatch } from '../numbers/pool-alarms.ts'
import { systemClock } from '../platform/clock.ts'
import type { Shared } from './shared.ts'

/** What the worker does for alarms. Those about pushes are raised and cleared where pushes are made. */
export function alarmDuties({ sql, log, metrics }: Shared, operator: AccountId) {
  return [
    { name: 'pool-alarms', everyMs: 2_000, work: createPoolWatch({ sql, log }) },
    {
      name: 'sighting-alarms',
      everyMs: 2_000,
      work: createSightingWatch({ sql, operator, log }),
    },
    {
      name: 'certification-alarms',
      everyMs: 60_000,
      work: createCertificationAlarms({ sql, clock: systemClock, log }),
    },
    {
      name: 'alarm-gauges',
      everyMs: 5_000,
      async work() {
        for (const [kind, open] of await countOpenAlarms(sql))
          metrics.alarmsOpen.set({ kind }, open)
      },
    },
  ]
}
