import { expect, test } from 'vitest'
import { runReceiptFaults } from '../support/receipt-faults.ts'

/** Enough for each part to die and come back under load; two minutes: see docs/testing.md. */
const seconds = Number(process.env['RECEIPT_FAULT_SECONDS'] ?? 30)
const minutesMax = 15

test(
  'router, worker, Redis, Postgres and the receiver are killed: every start and end arrives by push and by queue',
  async () => {
    const say = (text: string) => void process.stdout.write(`${text}\n`)
    const result = await runReceiptFaults({ callsPerSecond: 10, seconds, say })
    say(`answered: ${result.connected} by the callers, ${result.talked} by the records`)
    for (const way of ['push', 'queue'] as const) {
      const { due, delivered, repeated, missing } = result[way]
      say(
        `${way}: attempted ${due}, delivered ${delivered}, repeated ${repeated}, missing ${missing.length}`,
      )
    }
    expect(result.attempted).toBe(10 * seconds)
    expect(result.notLookedUp.filter((each) => each.startTime !== undefined)).toEqual([])
    // A call that was answered is in the books, though kill -9 may take what was written of it in
    // the last 50 ms: then it ends there as one that was lost before the answer.
    expect(result.records).toBeGreaterThanOrEqual(result.connected)
    const nothing = { missing: [], outOfOrder: [], different: [] }
    expect(result.push).toMatchObject(nothing)
    expect(result.queue).toMatchObject(nothing)
  },
  minutesMax * 60_000,
)
