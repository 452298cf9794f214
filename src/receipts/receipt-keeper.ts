import type { Redis } from '../platform/redis.ts'
import type { Sql } from '../platform/sql.ts'

/** A statement has to end within seconds, and a round must not hold up other work. */
const sweptAtOnce = 2_000
const sweepsAtOnce = 10

/** A worker's duty: receipts that are older than `keepDays` go, with whatever waits of them. */
export function createReceiptSweep({ sql, keepDays }: { sql: Sql; keepDays: number }) {
  return async (): Promise<void> => {
    for (let at = 0; at < sweepsAtOnce; at += 1) {
      const rows = await sql.rows({
        name: 'receipts.sweep',
        text: `
          delete from receipt
           where id in (select id from receipt
                         where created_at < now() - make_interval(days => $1)
                         order by created_at limit ${sweptAtOnce})
          returning 1`,
        values: [keepDays],
      })
      if (rows.length < sweptAtOnce) return
    }
  }
}

/** How far behind the receipts are, in figures that tell of nobody. */
export type ReceiptState = {
  /** Call events in the stream that no receipt was made of yet. */
  readonly eventsWaiting: number
  /** Age of the oldest that waits to be pushed, and to be pulled; 0: none waits. */
  readonly oldestToPushSeconds: number
  readonly oldestInQueueSeconds: number
  readonly paused: number
}

export async function readReceiptState(
  sql: Sql,
  redis: Pick<Redis, 'call'>,
  stream: string,
): Promise<ReceiptState> {
  const [row] = await sql.rows<{ to_push: number; in_queue: number; paused: number }>({
    name: 'receipts.state',
    text: `
      select ${ageOf('oldest_push.at')} as to_push, ${ageOf('oldest_message.at')} as in_queue,
             (select count(*)::int from receipt_push where enabled and paused_at is not null) as paused
        from (
          select min(r.created_at) as at
            from receipt_push p
           cross join lateral (
             select t.receipt_id from receipt_to_push t
              where t.account_id = p.account_id and t.message_type = p.message_type
                and t.state = 'due' order by t.receipt_id limit 1) oldest
            join receipt r on r.id = oldest.receipt_id
           where p.enabled) oldest_push,
             (
          select min(first.queued_at) as at
            from receipt_queue q
           cross join lateral (
             select m.queued_at from receipt_in_queue m where m.queue_name = q.name
              order by m.receipt_id limit 1) first
           where q.enabled) oldest_message`,
    values: [],
  })
  return {
    eventsWaiting: await lagOf(redis, stream),
    oldestToPushSeconds: row?.to_push ?? 0,
    oldestInQueueSeconds: row?.in_queue ?? 0,
    paused: row?.paused ?? 0,
  }
}

const countedMax = 10_000

/** The same for what goes to Kafka. */
export async function readKafkaState(
  sql: Sql,
): Promise<{ oldestSeconds: number; waiting: number; failing: number }> {
  const [row] = await sql.rows<{ oldest: number; waiting: number; failing: number }>({
    name: 'receipts.kafka-state',
    text: `
      select ${ageOf('min(oldest.at)')} as oldest,
             (select count(*)::int from (
               select 1 from receipt_to_kafka where state = 'due' limit ${countedMax}) counted) as waiting,
             (select count(*)::int from receipt_kafka
               where enabled and failing_since is not null) as failing
        from receipt_kafka k
       cross join lateral (
         select r.created_at as at
           from receipt_to_kafka t join receipt r on r.id = t.receipt_id
          where t.account_id = k.account_id and t.message_type = k.message_type and t.state = 'due'
          order by t.receipt_id limit 1) oldest
       where k.enabled`,
    values: [],
  })
  return {
    oldestSeconds: row?.oldest ?? 0,
    waiting: row?.waiting ?? 0,
    failing: row?.failing ?? 0,
  }
}

const ageOf = (at: string) => `coalesce(extract(epoch from now() - ${at}), 0)::float8`

const group = 'receipts'

/** Entries not read yet, and those that were read and not finished. */
async function lagOf(redis: Pick<Redis, 'call'>, stream: string): Promise<number> {
  const groups = await redis.call('XINFO', 'GROUPS', stream).catch(() => [])
  for (const each of Array.isArray(groups) ? groups : []) {
    const fields = pairsOf(each)
    if (fields.get('name') !== group) continue
    return Number(fields.get('lag') ?? 0) + Number(fields.get('pending') ?? 0)
  }
  return 0
}

function pairsOf(reply: unknown): Map<unknown, unknown> {
  const flat: unknown[] = Array.isArray(reply) ? reply : []
  return new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]] as const] : [])))
}
