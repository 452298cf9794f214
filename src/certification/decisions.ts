import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import { applyCertification } from './certified-numbers.ts'
import type { CertificationProvider, CheckStatus } from './ports.ts'

export type Decisions = {
  /** Asks the provider how a check went, and does what follows from it. */
  follow(reference: string): Promise<void>
  /** Ends certifications whose time is over. Resolves to how many. */
  endExpired(): Promise<number>
  /** What a crash or a lost provider cut short. */
  finishRest(): Promise<void>
  /** Checks that are under way, a page after the given one. */
  underWay(afterId: string): Promise<readonly { id: string; reference: string }[]>
}

const pageRows = 100

/** Every step can be repeated, and by several processes at once. */
export function createDecisions(deps: {
  sql: Sql
  clock: Clock
  provider: CertificationProvider
}): Decisions {
  const { sql, clock, provider } = deps

  /** One that cannot be finished does not keep the others from being. */
  async function applyAll(rows: readonly { id: string }[]): Promise<void> {
    const failures: unknown[] = []
    for (const { id } of rows) {
      await applyCertification(sql, provider, id).catch((err: unknown) => failures.push(err))
    }
    if (failures.length > 0) throw failures[0]
  }

  return {
    async follow(reference) {
      const status = await provider.status(reference)
      if (status.state === 'pending') return
      await applyAll(await decide(sql, { reference, status, now: clock.now() }))
    },

    async endExpired() {
      const rows = await sql.rows<{ id: string }>({
        name: 'certifiers.end-expired',
        text: `
          update certifier set certified_at = null, unapplied = true
           where id in (select id from certifier
                         where certified_at is not null and certified_until <= $1
                         order by certified_until limit ${pageRows} for update skip locked)
          returning id`,
        values: [clock.now()],
      })
      await applyAll(rows)
      return rows.length
    },

    async finishRest() {
      const rows = await sql.rows<{ id: string }>({
        name: 'certifiers.rest',
        text: `select id from certifier where unapplied order by id limit ${pageRows}`,
        values: [],
      })
      await applyAll(rows)
    },

    underWay: (afterId) =>
      sql.rows({
        name: 'certifiers.under-way',
        text: `
          select id, reference from certifier
           where check_state = 'submitted' and removed_at is null and id > $1::bigint
           order by id limit ${pageRows}`,
        values: [afterId],
      }),
  }
}

function decide(
  sql: Sql,
  given: { reference: string; status: Exclude<CheckStatus, { state: 'pending' }>; now: Date },
): Promise<{ id: string }[]> {
  const { reference, status, now } = given
  return status.state === 'approved'
    ? sql.rows({
        name: 'certifiers.approve',
        text: `
          update certifier
             set check_state = 'approved', decided_at = $2, refusal = null, unapplied = true,
                 certified_at = $2, certified_until = $3
           where reference = $1 and check_state = 'submitted' and removed_at is null
          returning id`,
        values: [reference, now, status.validUntil],
      })
    : sql.rows({
        name: 'certifiers.refuse',
        text: `
          update certifier set check_state = 'refused', decided_at = $2, refusal = $3
           where reference = $1 and check_state = 'submitted' and removed_at is null
          returning id`,
        values: [reference, now, status.reason.slice(0, 200)],
      })
}
