import type { CallEvent, CallFacts } from '../domain/call-event.ts'
import type { CallId } from '../domain/ids.ts'

/** What the call records say of the calls of these events, once the events are taken in. */
export type BookedCalls = (events: readonly CallEvent[]) => Promise<ReadonlyMap<CallId, CallFacts>>

/** An end that was written for a router that is lost. Others can follow it under the same id. */
export function isLostEnd(event: CallEvent): boolean {
  return event.type === 'end' && event.releaseReason === 'router-lost'
}

/**
 * Two processes can write the end of a lost router's call, each knowing what the other does not,
 * and the call record is what they say together: so that is told, and once per batch. Of a call
 * that has the router's own end in the books nothing is left to be said but that end.
 */
export function withEndsAsBooked(
  events: readonly CallEvent[],
  books: ReadonlyMap<CallId, CallFacts>,
): readonly CallEvent[] {
  const lastAt = new Map(events.map((event, at) => [isLostEnd(event) ? event.id : '', at]))
  return events.flatMap((event, at) => {
    if (!isLostEnd(event)) return [event]
    if (lastAt.get(event.id) !== at) return []
    const booked = books.get(event.callId)
    if (booked === undefined) return [event]
    return booked.releaseReason === 'router-lost' ? [{ ...event, ...booked }] : []
  })
}
