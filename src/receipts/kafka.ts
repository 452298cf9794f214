import { randomUUID } from 'node:crypto'
import type { AccountId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { type DueRecord, dueAccounts, leaseTurn, nextRecords, releaseTurn } from './kafka-batch.ts'
import type { KafkaClient, KafkaRecord } from './kafka-client.ts'
import type { KafkaFault } from './kafka-faults.ts'
import { recordDead, recordFailed, recordSent } from './kafka-outcomes.ts'
import { type TopicOf, typesWith } from './kafka-topic.ts'
import type { MessageType } from './receipt-types.ts'
import { openBody } from './store.ts'
import { createTurns, inAnyOrder } from './turns.ts'

/** What is counted: receipts by what became of a try, and how late those are that arrived. */
export type KafkaCounts = {
  tried(type: string, outcome: 'sent' | 'retry' | 'dead', receipts: number): void
  delivered(type: string, secondsAfterEvent: number): void
}

export type KafkaDeps = {
  readonly sql: Sql
  readonly vault: Pick<Vault, 'openText'>
  readonly clock: Clock
  readonly client: Pick<KafkaClient, 'send'>
  readonly topicOf: TopicOf
  readonly counts: KafkaCounts
  readonly log: Logger
}

export type KafkaSink = {
  /** Sends what is due, for all accounts beside each other; any number of workers may. Does not wait for answers. */
  step(): Promise<void>
  /** When nothing that this worker has begun is under way. */
  settled(): Promise<void>
}

/** Each holds a batch in memory and now and then a connection to Postgres. */
const accountsAtOnce = 16
/** Then others have a turn. */
const batchesPerTurn = 20

/**
 * Sends what is due to Kafka. An account is one worker's at a time, for as long as one batch may
 * take, and its receipts go in the order in which they were made; whoever dies with a batch under
 * way leaves it to the next worker, who sends it again.
 *
 * A receipt: due -> sent, or -> dead when the broker says that it never takes it.
 * A topic: well -> failing at a fault: all that goes there waits in Postgres, and is tried again
 * after 1 s, later 30 s -> well with whatever arrives.
 */
export function createKafkaSink(deps: KafkaDeps & { onMore(): void }): KafkaSink {
  const { sql, clock, log } = deps
  const holder = randomUUID()
  const turns = createTurns({
    atOnce: accountsAtOnce,
    perAccountMax: 1,
    onMore: deps.onMore,
    onFault(err, accountId) {
      // The lease ends by itself, and what was sent without a note of it is sent again.
      log.warn({ err, accountId }, 'sending to Kafka was left off')
    },
  })

  async function runTurn(accountId: AccountId): Promise<boolean> {
    let batches = 0
    while (batches < batchesPerTurn && (await leaseTurn(sql, { accountId, holder }))) {
      if (!(await sendNext(deps, accountId))) break
      batches += 1
    }
    await releaseTurn(sql, { accountId, holder })
    return batches > 0
  }

  return {
    async step() {
      for (const accountId of inAnyOrder(await dueAccounts(sql, clock.now()))) {
        turns.start({ key: accountId, accountId }, () => runTurn(accountId))
      }
    },
    settled: turns.settled,
  }
}

/** Sends the account's next batch. Resolves to whether it may go on with the one after. */
async function sendNext(deps: KafkaDeps, accountId: AccountId): Promise<boolean> {
  const rows = await nextRecords(deps.sql, { accountId, now: deps.clock.now() })
  if (rows.length === 0) return false
  const byTopic = new Map<string, DueRecord[]>()
  for (const row of rows) {
    const topic = deps.topicOf(accountId, row.message_type)
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), row])
  }
  // All of them to their ends, so that nothing of this turn is under way in the next one.
  const went = await Promise.allSettled(
    [...byTopic].map(([topic, each]) => sendTo(deps, { accountId, topic, rows: each })),
  )
  for (const each of went) if (each.status === 'rejected') throw each.reason
  return went.some((each) => each.status === 'fulfilled' && each.value)
}

type Batch = {
  readonly accountId: AccountId
  readonly topic: string
  readonly rows: readonly DueRecord[]
}

/** Resolves to whether the topic takes more. */
async function sendTo(deps: KafkaDeps, batch: Batch): Promise<boolean> {
  const { records, rows, unreadable } = openAll(deps.vault, batch)
  if (unreadable.length > 0) await bury(deps, { ...batch, rows: unreadable }, unreadableFault)
  if (rows.length === 0) return true
  const { ms, ...answer } = await deps.client.send(batch.topic, records)
  if (answer.fault === undefined) await afterSuccess(deps, { ...batch, rows }, ms)
  else if (!answer.isFinal) await afterFault(deps, { ...batch, rows }, { ...answer, ms })
  else if (rows.length === 1) await bury(deps, { ...batch, rows }, answer)
  // Perhaps it is one of them, or all of them together.
  else return sendOneByOne(deps, { ...batch, rows })
  return answer.fault === undefined || answer.isFinal
}

/** The rest of them is for the next batch: the lease of the turn must last. */
const oneByOneMs = 4_000

async function sendOneByOne(deps: KafkaDeps, batch: Batch): Promise<boolean> {
  const began = performance.now()
  for (const row of batch.rows) {
    if (performance.now() - began > oneByOneMs) return true
    if (!(await sendTo(deps, { ...batch, rows: [row] }))) return false
  }
  return true
}

const unreadableFault = { status: undefined, fault: 'it cannot be opened: its key is gone' }

function openAll(vault: Pick<Vault, 'openText'>, { accountId, rows }: Batch) {
  const records: KafkaRecord[] = []
  const opened: DueRecord[] = []
  const unreadable: DueRecord[] = []
  for (const row of rows) {
    const value = bodyOf(vault, row)
    if (value === undefined) unreadable.push(row)
    else {
      opened.push(row)
      records.push(recordOf(accountId, row, value))
    }
  }
  return { records, rows: opened, unreadable }
}

function bodyOf(vault: Pick<Vault, 'openText'>, row: DueRecord): string | undefined {
  try {
    return openBody(vault, row.message_type, row.body_sealed)
  } catch {
    return undefined
  }
}

type Told = Pick<DueRecord, 'message_type' | 'call_id' | 'event_id' | 'revision' | 'happened_at'>

/** What a receipt is in Kafka: docs/receipt-kafka.md. */
export function recordOf(accountId: AccountId, told: Told, value: string): KafkaRecord {
  return {
    key: told.call_id ?? told.event_id,
    value,
    headers: {
      'axbridge-event-id': told.event_id,
      'axbridge-message-type': told.message_type,
      'axbridge-account': accountId,
      'axbridge-revision': String(told.revision),
      'axbridge-format': '1',
    },
    at: told.happened_at,
  }
}

async function afterSuccess(deps: KafkaDeps, batch: Batch, ms: number): Promise<void> {
  const { sql, clock, counts, log, topicOf } = deps
  const { accountId, topic, rows } = batch
  const now = clock.now()
  const types = typesOf(topicOf, batch)
  const isBack = await recordSent(sql, { accountId, types, ids: idsOf(rows), ms, now })
  if (isBack) log.info({ accountId, topic }, 'a Kafka topic takes receipts again')
  count(deps, rows, 'sent')
  for (const { message_type: type, happened_at: at } of rows) {
    counts.delivered(type, Math.max(0, now.getTime() - at.getTime()) / 1000)
  }
}

async function afterFault(
  deps: KafkaDeps,
  batch: Batch,
  { ms, ...fault }: KafkaFault & { readonly ms: number },
): Promise<void> {
  const { accountId, topic, rows } = batch
  const types = typesOf(deps.topicOf, batch)
  const now = deps.clock.now()
  const tried = { accountId, types, ids: idsOf(rows), ms, now, fault }
  const isNew = await recordFailed(deps.sql, tried)
  count(deps, rows, 'retry')
  const about = { accountId, topic, status: fault.status, fault: fault.fault }
  if (isNew) deps.log.warn(about, 'a Kafka topic does not take receipts; they wait')
  else deps.log.debug(about, 'a Kafka topic still does not take receipts')
}

async function bury(
  deps: KafkaDeps,
  { accountId, topic, rows }: Batch,
  fault: Omit<KafkaFault, 'isFinal'>,
): Promise<void> {
  await recordDead(deps.sql, { accountId, ids: idsOf(rows), fault, now: deps.clock.now() })
  count(deps, rows, 'dead')
  const receipts = idsOf(rows)
  deps.log.warn({ accountId, topic, receipts, fault: fault.fault }, 'Kafka receipts are dead')
}

function count({ counts }: KafkaDeps, rows: Batch['rows'], outcome: 'sent' | 'retry' | 'dead') {
  for (const type of new Set(rows.map((row) => row.message_type))) {
    counts.tried(type, outcome, rows.filter((row) => row.message_type === type).length)
  }
}

function typesOf(topicOf: TopicOf, { accountId, rows: [first] }: Batch): readonly MessageType[] {
  return first === undefined ? [] : typesWith(topicOf, accountId, first.message_type)
}

function idsOf(rows: Batch['rows']): readonly string[] {
  return rows.map(({ id }) => id)
}
