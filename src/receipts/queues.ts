import type { AccountId } from '../domain/ids.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import * as statements from './queue-statements.ts'
import { createQueueWaiters } from './queue-waiters.ts'
import { createReceiptHandles, type Delivery, type ReceiptHandles } from './receipt-handle.ts'
import type { MessageType } from './receipt-types.ts'
import { openBody } from './store.ts'

/** A queue, and whose it has to be. */
export type QueueAsked = { readonly accountId: AccountId; readonly queue: string }

export type QueueMessage = {
  /** The receipt's: the same however often it is delivered. */
  readonly id: string
  /** JSON object. Holds real numbers: for the reader only. */
  readonly body: string
  readonly queuedAt: Date
  readonly visibleAt: Date
  readonly firstDequeuedAt: Date | undefined
  readonly dequeued: number
}

export type QueueDelivery = QueueMessage & {
  /** Good for this delivery only: no longer when the message has been given out again. */
  readonly handle: string
}

export type QueueAttributes = {
  readonly name: string
  readonly messageType: MessageType
  readonly visibilitySeconds: number
  readonly retentionSeconds: number
  readonly createdAt: Date
  /** To be had now. */
  readonly active: number
  /** With a reader, or waiting to come back from one. */
  readonly inactive: number
  readonly delayed: number
}

/** `stale`: it has been given out again since; `gone`: deleted or expired; `forged`: never ours. */
export type HandleOutcome = 'done' | 'stale' | 'gone' | 'forged'

/** Undefined wherever there is no such queue. */
export type ReceiptQueues = {
  /** Up to `count` (1 to 16) messages; waits for the first up to `waitSeconds`, unless aborted. */
  receive(
    asked: QueueAsked & { count: number; waitSeconds: number; signal: AbortSignal },
  ): Promise<readonly QueueDelivery[] | undefined>
  /** As they are, without being delivered. */
  peek(asked: QueueAsked & { count: number }): Promise<readonly QueueMessage[] | undefined>
  /** Up to 16 handles; an outcome for each. */
  remove(
    asked: QueueAsked & { handles: readonly string[] },
  ): Promise<readonly HandleOutcome[] | undefined>
  /** Comes back so many seconds from now, under a new handle. */
  setVisibility(
    asked: QueueAsked & { handle: string; seconds: number },
  ): Promise<
    | { outcome: 'done'; handle: string; visibleAt: Date }
    | { outcome: Exclude<HandleOutcome, 'done'> }
    | undefined
  >
  attributes(asked: QueueAsked): Promise<QueueAttributes | undefined>
  /** Readers that wait are told that there is nothing. */
  close(): void
}

type QueueRow = {
  readonly name: string
  readonly message_type: MessageType
  readonly visibility_seconds: number
  readonly retention_seconds: number
  readonly created_at: Date
}

type MessageRow = {
  readonly id: string
  readonly message_type: MessageType
  readonly body_sealed: string
  readonly visible_at: Date
  readonly queued_at: Date
  readonly dequeued: number
  readonly first_dequeued_at: Date | null
}

export function createReceiptQueues(deps: {
  sql: Sql
  vault: Pick<Vault, 'openText' | 'stamp'>
  log: Logger
}): ReceiptQueues {
  const { sql, vault, log } = deps
  const handles = createReceiptHandles(vault)
  const parts = { sql, handles }
  const waiters = createQueueWaiters({ look: (queues, max) => look(sql, queues, max), log })

  /** One that cannot be opened is left out: those around it are not to wait for it. */
  const messagesOf = (rows: readonly MessageRow[]): readonly QueueMessage[] =>
    rows.flatMap((row) => {
      try {
        return [messageOf(row, openBody(vault, row.message_type, row.body_sealed))]
      } catch (err) {
        log.error({ err, receiptId: row.id }, 'a receipt in a queue cannot be opened')
        return []
      }
    })

  async function take({ accountId, queue }: QueueAsked, count: number) {
    const rows = await sql.rows<MessageRow | { id: null }>({
      name: `receipt-queues.take-${count}`,
      text: statements.takeText(count),
      values: [queue, accountId],
    })
    if (rows.length === 0) return undefined
    return messagesOf(rows.filter(isMessage)).map((message): QueueDelivery => {
      const handle = handles.make(queue, { ...message, receiptId: message.id })
      return { ...message, handle }
    })
  }

  return {
    async receive({ count, waitSeconds, signal, ...asked }) {
      const until = performance.now() + waitSeconds * 1000
      for (;;) {
        if (signal.aborted) return []
        const taken = await take(asked, count)
        const leftMs = until - performance.now()
        if (taken === undefined || taken.length > 0 || leftMs <= 0) return taken
        if (!(await waiters.wait(asked, leftMs, signal))) return []
      }
    },

    async peek({ accountId, queue, count }) {
      if ((await find(sql, { accountId, queue })) === undefined) return undefined
      const rows = await sql.rows<MessageRow>({
        name: 'receipt-queues.peek',
        text: statements.peekText,
        values: [queue, accountId],
      })
      return messagesOf(rows.slice(0, count))
    },

    remove: (asked) => remove(parts, asked),
    setVisibility: (asked) => setVisibility(parts, asked),
    attributes: (asked) => attributes(sql, asked),

    close: waiters.close,
  }
}

type Parts = { readonly sql: Sql; readonly handles: ReceiptHandles }

async function remove(
  { sql, handles }: Parts,
  { handles: given, ...asked }: QueueAsked & { handles: readonly string[] },
): Promise<readonly HandleOutcome[] | undefined> {
  if ((await find(sql, asked)) === undefined) return undefined
  const deliveries = given.map((each) => handles.read(asked.queue, each))
  const ours = deliveries.filter((each) => each !== undefined)
  if (ours.length === 0) return given.map(() => 'forged')
  const outcomes = await removeAll(sql, asked.queue, ours)
  return deliveries.map((each) =>
    each === undefined ? 'forged' : (outcomes.get(ours.indexOf(each)) ?? 'gone'),
  )
}

async function setVisibility(
  { sql, handles }: Parts,
  { handle, seconds, ...asked }: QueueAsked & { handle: string; seconds: number },
): ReturnType<ReceiptQueues['setVisibility']> {
  if ((await find(sql, asked)) === undefined) return undefined
  const delivery = handles.read(asked.queue, handle)
  if (delivery === undefined) return { outcome: 'forged' }
  const [row] = await sql.rows<{ visible_at: Date | null; there: boolean }>({
    name: 'receipt-queues.set-visibility',
    text: statements.setVisibilityText,
    values: [...deliveryValues(asked.queue, [delivery]), seconds],
  })
  const visibleAt = row?.visible_at ?? undefined
  if (visibleAt === undefined) return { outcome: row?.there === true ? 'stale' : 'gone' }
  const renewed = handles.make(asked.queue, { ...delivery, visibleAt })
  return { outcome: 'done', handle: renewed, visibleAt }
}

async function attributes(sql: Sql, asked: QueueAsked): Promise<QueueAttributes | undefined> {
  const queue = await find(sql, asked)
  if (queue === undefined) return undefined
  type Counts = Pick<QueueAttributes, 'active' | 'inactive' | 'delayed'>
  const [counts] = await sql.rows<Counts>({
    name: 'receipt-queues.counts',
    text: statements.countsText,
    values: [queue.name],
  })
  return {
    name: queue.name,
    messageType: queue.message_type,
    visibilitySeconds: queue.visibility_seconds,
    retentionSeconds: queue.retention_seconds,
    createdAt: queue.created_at,
    active: counts?.active ?? 0,
    inactive: counts?.inactive ?? 0,
    delayed: counts?.delayed ?? 0,
  }
}

const messageOf = (row: MessageRow, body: string): QueueMessage => ({
  id: row.id,
  body,
  queuedAt: row.queued_at,
  visibleAt: row.visible_at,
  firstDequeuedAt: row.first_dequeued_at ?? undefined,
  dequeued: row.dequeued,
})

const isMessage = (row: MessageRow | { id: null }): row is MessageRow => row.id !== null

async function find(sql: Sql, { accountId, queue }: QueueAsked): Promise<QueueRow | undefined> {
  const [row] = await sql.rows<QueueRow>({
    name: 'receipt-queues.find',
    text: statements.findText,
    values: [queue, accountId],
  })
  return row
}

async function look(
  sql: Sql,
  queues: readonly string[],
  max: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.rows<{ name: string; messages: number }>({
    name: 'receipt-queues.look',
    text: statements.lookText,
    values: [queues, max],
  })
  return new Map(rows.map((row) => [row.name, row.messages]))
}

function deliveryValues(queue: string, deliveries: readonly Delivery[]): readonly unknown[] {
  return [
    queue,
    deliveries.map((each) => each.receiptId),
    deliveries.map((each) => each.dequeued),
    deliveries.map((each) => each.visibleAt.toISOString()),
  ]
}

/** By the place in the list. */
async function removeAll(
  sql: Sql,
  queue: string,
  deliveries: readonly Delivery[],
): Promise<ReadonlyMap<number, HandleOutcome>> {
  const rows = await sql.rows<{ at: number; removed: boolean; there: boolean }>({
    name: 'receipt-queues.remove',
    text: statements.removeText,
    values: deliveryValues(queue, deliveries),
  })
  return new Map(
    rows.map(({ at, removed, there }) => [at - 1, removed ? 'done' : there ? 'stale' : 'gone']),
  )
}
