/** The causes that this server can end a call with, and their numbers (Q.850, above 127 FreeSWITCH's own). */
const numbers: Readonly<Record<string, number>> = {
  UNALLOCATED_NUMBER: 1,
  NO_ROUTE_DESTINATION: 3,
  NORMAL_CLEARING: 16,
  USER_BUSY: 17,
  NO_USER_RESPONSE: 18,
  NO_ANSWER: 19,
  CALL_REJECTED: 21,
  DESTINATION_OUT_OF_ORDER: 27,
  NORMAL_UNSPECIFIED: 31,
  NORMAL_CIRCUIT_CONGESTION: 34,
  NORMAL_TEMPORARY_FAILURE: 41,
  INCOMPATIBLE_DESTINATION: 88,
  RECOVERY_ON_TIMER_EXPIRE: 102,
  MANAGER_REQUEST: 503,
  ALLOTTED_TIMEOUT: 602,
  MEDIA_TIMEOUT: 604,
}

export function isCause(name: string): boolean {
  return name in numbers
}

/** The SIP Reason header of a BYE, RFC 3326. */
export function reasonHeader(cause: string): string {
  const number = numbers[cause] ?? 16
  return `Q.850;cause=${number > 127 ? 16 : number};text="${cause}"`
}
