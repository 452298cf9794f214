import { createHash, timingSafeEqual } from 'node:crypto'
import type { Vault } from '../platform/vault.ts'

/** One time that a message was given to a reader. Only the last one counts. */
export type Delivery = {
  readonly receiptId: string
  readonly dequeued: number
  /** When it comes back unless it is deleted before. Whole milliseconds. */
  readonly visibleAt: Date
}

export type ReceiptHandles = {
  make(queue: string, delivery: Delivery): string
  /** Undefined: made for another queue, or by nobody who has our keys. */
  read(queue: string, handle: string): Delivery | undefined
}

const handlePattern = /^([0-9a-z]{1,10})-([0-9a-z]{1,6})-([0-9a-z]{8,9})-([\w-]{22})$/

/** Handles that carry their delivery and a stamp, so that nothing has to be kept for them. */
export function createReceiptHandles(vault: Pick<Vault, 'stamp'>): ReceiptHandles {
  function stampOf(queue: string, facts: string): string {
    // A queue's name is longer than what can be stamped.
    const name = createHash('sha256').update(queue).digest('base64url').slice(0, 22)
    return vault.stamp(`handle ${facts} ${name}`)
  }

  return {
    make(queue, { receiptId, dequeued, visibleAt }) {
      const numbers = [Number(receiptId), dequeued, visibleAt.getTime()]
      const facts = numbers.map((each) => each.toString(36)).join('-')
      return `${facts}-${stampOf(queue, facts)}`
    },
    read(queue, handle) {
      const [, id = '', dequeued = '', visibleAt = '', stamp = ''] =
        handlePattern.exec(handle) ?? []
      if (stamp === '') return undefined
      const right = stampOf(queue, `${id}-${dequeued}-${visibleAt}`)
      if (!timingSafeEqual(Buffer.from(right), Buffer.from(stamp))) return undefined
      return {
        receiptId: String(Number.parseInt(id, 36)),
        dequeued: Number.parseInt(dequeued, 36),
        visibleAt: new Date(Number.parseInt(visibleAt, 36)),
      }
    },
  }
}
