export type JournalLimits = {
  /** What the folder may hold; the reserve not counted. */
  readonly bytesMax: number
  /** A segment is closed at this size or age, whichever comes first. */
  readonly segmentBytes: number
  readonly segmentMs: number
  /**
   * How long a segment is kept after Redis confirmed it. Redis with `appendfsync everysec` forgets
   * about a second when its machine dies, and is then sent this again.
   */
  readonly keepMs: number
  /** Events that wait for the disk. Beyond the first no new calls, beyond the second events are dropped. */
  readonly memoryBytes: number
  readonly memoryBytesHard: number
  /** What was written last, kept for the publisher. Who is further behind reads from disk. */
  readonly recentBytes: number
  /** Given up when the disk is full, so that running calls can end in the books. */
  readonly reserveBytes: number
  /** Held back per running call: ring, answer, end, and its line at the head of the next segment. */
  readonly callBytes: number
  /** Events that come before `start`. */
  readonly earlyEventsMax: number
}

const mebibyte = 1_048_576

/** An event is about 1 KiB: a gibibyte is an hour and a half without Redis at 50 calls a second. */
export const journalLimits: JournalLimits = {
  bytesMax: 1024 * mebibyte,
  segmentBytes: 16 * mebibyte,
  segmentMs: 60_000,
  keepMs: 60_000,
  memoryBytes: 8 * mebibyte,
  memoryBytesHard: 64 * mebibyte,
  recentBytes: 4 * mebibyte,
  reserveBytes: 16 * mebibyte,
  callBytes: 8_192,
  earlyEventsMax: 1_000,
}
