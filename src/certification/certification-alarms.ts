import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { oneAtATime } from '../platform/one-at-a-time.ts'
import type { Query, Sql } from '../platform/sql.ts'

/** An alarm is raised at the first and gets worse at each that follows; 0: it has run out. */
const stages = [30, 7, 1, 0] as const
/** Two at once could raise what the other has just seen to be over. */
const turnKey = 7_305_543
/** How many of its numbers an alarm names. */
const namedMax = 20

/**
 * A worker's duty, any number of workers at once. A certification that ends within 30 days raises an
 * alarm of its account, if there is a number for which nobody else stands for longer. It is over when
 * somebody is certified anew, or nobody stands for these numbers any more. Running out does not end it.
 */
export function createCertificationAlarms(deps: {
  sql: Sql
  clock: Clock
  log: Logger
}): () => Promise<void> {
  const { sql, clock, log } = deps
  return async () => {
    const changes = await oneAtATime(sql, turnKey, (session) => look(session, clock.now()))
    for (const { subject } of changes?.cleared ?? []) {
      log.info({ certifierId: subject }, 'an alarm about a certification is over')
    }
    for (const { subject } of changes?.raised ?? []) {
      log.warn({ certifierId: subject }, 'a certification is about to run out')
    }
  }
}

/** In this order: one that was certified anew, but not for long, is told of afresh. */
async function look(session: Sql, now: Date) {
  const cleared = await session.rows<{ subject: string }>(clearQuery(now))
  const raised = await session.rows<{ subject: string }>(raiseQuery(now))
  await session.rows(worsenQuery(now))
  return { cleared, raised }
}

/** Days left, as the stage that they are in. */
const stageOf = (until: string) => `
  case ${[...stages]
    .reverse()
    .map((days) => `when ${until} <= $1::timestamptz + interval '${days} days' then ${days}`)
    .join(' ')} end`

/**
 * Certifications that end within the first stage or have run out, each with the numbers for which
 * nobody stands for longer.
 */
const ending = `
  select c.id::text as subject, c.account_id, c.pool_key, c.certified_until,
         ${stageOf('c.certified_until')} as stage, mine.numbers, mine.number_count
    from certifier c
    cross join lateral (
      select count(*)::int as number_count,
             to_jsonb((array_agg(cn.x order by cn.x))[1:${namedMax}]) as numbers
        from certifier_number cn
       where cn.certifier_id = c.id
         and not exists (
           select 1 from certifier_number other_cn join certifier other on other.id = other_cn.certifier_id
            where other_cn.x = cn.x and other.id <> c.id and other.certified_at is not null
              and coalesce(other.certified_until > $1::timestamptz + interval '${stages[0]} days', true))
    ) mine
   where c.removed_at is null and mine.number_count > 0
     and c.certified_until <= $1::timestamptz + interval '${stages[0]} days'`

const until = (moment: string) =>
  `to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** What ran out long before anybody looked is no news. */
function raiseQuery(now: Date): Query {
  return {
    name: 'certification-alarms.raise',
    text: `
      insert into alarm (account_id, kind, pool_key, subject, threshold, facts)
      select account_id, 'certification-expiring', pool_key, subject, stage,
             jsonb_build_object('numbers', numbers, 'numberCount', number_count,
                                'certifiedUntil', ${until('certified_until')},
                                'detail', format('The certification of %s numbers is good until %s.',
                                                 number_count, ${until('certified_until')}))
        from (${ending} and c.certified_until > $1::timestamptz - interval '${stages[0]} days') e
      on conflict (account_id, kind, subject) where cleared_at is null and subject is not null
      do nothing
      returning subject`,
    values: [now],
  }
}

function worsenQuery(now: Date): Query {
  return {
    name: 'certification-alarms.worsen',
    text: `
      update alarm a set threshold = e.stage
        from (${ending}) e
       where a.kind = 'certification-expiring' and a.cleared_at is null
         and a.subject = e.subject and a.account_id = e.account_id and e.stage < a.threshold`,
    values: [now],
  }
}

function clearQuery(now: Date): Query {
  return {
    name: 'certification-alarms.clear',
    text: `
      update alarm a set cleared_at = now()
       where a.kind = 'certification-expiring' and a.cleared_at is null
         and not exists (
           select 1 from (${ending}) e
            where e.subject = a.subject and e.account_id = a.account_id
              and ${until('e.certified_until')} = a.facts ->> 'certifiedUntil')
      returning a.subject`,
    values: [now],
  }
}
