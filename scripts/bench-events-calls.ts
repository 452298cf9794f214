import type { CallEvent } from '../src/domain/call-event.ts'
import { aCall, aNumber } from '../test/support/call-events.ts'
import { aAt, bAt } from './bench-people.ts'

/**
 * The events of so many calls in the order in which they happen when `up` calls are up at any
 * time. Each call has numbers of its own, so that nothing is sealed for two.
 */
export function eventsOf(calls: number, { up, from }: { up: number; from: number }): CallEvent[] {
  const callTime = new Date()
  const ringsAfter = up / 20
  const answersAfter = up / 5
  const events: { readonly at: number; readonly event: CallEvent }[] = []
  for (let call = 0; call < calls; call++) {
    const people = { caller: aNumber(aAt(from + call)), callee: aNumber(bAt(from + call)) }
    const [start, ring, answer, end] = aCall({ ...people, callTime })
    if (!start || !ring || !answer || !end) throw new Error('a call has these')
    events.push(
      { at: call, event: start },
      { at: call + ringsAfter, event: ring },
      { at: call + answersAfter, event: answer },
      { at: call + up, event: end },
    )
  }
  return events.toSorted((one, other) => one.at - other.at).map(({ event }) => event)
}
