import { randomBytes, randomUUID } from 'node:crypto'

/** One random prefix per process and a counter: unique like a random number and a lot cheaper. */
const prefix = randomBytes(6).toString('hex')
let counter = 0

/** RFC 3261 8.1.1.7: the cookie says that the branch alone identifies the transaction. */
export function newBranch(): string {
  counter += 1
  return `z9hG4bK${prefix}${counter.toString(36)}`
}

/** A tag must not be guessable (RFC 3261 19.3): it is what keeps strangers out of a dialog. */
export function newTag(): string {
  return randomUUID().slice(-12)
}

export function newCallId(): string {
  return randomUUID()
}

/** Leaves room to count up for the life of any dialog (RFC 3261 8.1.1.5: below 2^31). */
export function newCSeq(): number {
  return 1 + Math.floor(Math.random() * 0x0f_ff_ff_ff)
}
