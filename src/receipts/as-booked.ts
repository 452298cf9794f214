import type { CallEvent, CallFacts } from '../domain/call-event.ts'
import type { CallId } from '../domain/ids.ts'

/** What the call records say of the calls of these events, once the events are taken in. */
export type BookedCalls = (events: readonly CallEvent[]) => Promise<ReadonlyMap<CallId, CallFacts>>

/** An end that was written for a router that is lost. Others can follow it under the same id. */
export function isLostEnd(event: CallEvent): boolean {
  return event.type === 'end' && event.releaseReason === 'router-lost'
}

/** Who called a number that nobody could look up is told to whom the records give the call. */
export const isOwnerless = (event: CallEvent): boolean => event.accountId === undefined

/**
 * The events, with what only the records know of them. Two processes can write the end of a lost
 * router's call, each knowing what the other does not, and the record is what they say together: so
 * that is told, and once per batch. Of a call that has the router's own end in the books nothing is
 * left to be said but that end.
 */
export function asBooked(
  events: readonly CallEvent[],
  books: ReadonlyMap<CallId, CallFacts>,
): readonly CallEvent[] {
  const lastAt = new Map(events.map((event, at) => [isLostEnd(event) ? event.id : '', at]))
  return events.flatMap((event, at) => {
    const booked = books.get(event.callId)
    if (booked === undefined) return [event]
    if (!isLostEnd(event)) return [isOwnerless(event) ? ofOwner(event, booked) : event]
    const isNews = booked.releaseReason === 'router-lost' && lastAt.get(event.id) === at
    return isNews ? [{ ...event, ...booked }] : []
  })
}

function ofOwner(event: CallEvent, { accountId, poolKey, product, city }: CallFacts): CallEvent {
  return { ...event, accountId, poolKey, product, city }
}
