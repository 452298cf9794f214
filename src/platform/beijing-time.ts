const offsetMs = 8 * 3_600_000

/** `2026-11-24 10:00:00`: how the vendor's protocol writes times. China has no summer time. */
export function beijingTime(moment: Date): string {
  return new Date(moment.getTime() + offsetMs).toISOString().slice(0, 19).replace('T', ' ')
}

/** `2026-11`: the month by which call records are partitioned. */
export function beijingMonth(moment: Date): string {
  return new Date(moment.getTime() + offsetMs).toISOString().slice(0, 7)
}

/** The first moment of the month `count` months after the one of `moment`. */
export function monthAfter(moment: Date, count: number): Date {
  const local = new Date(moment.getTime() + offsetMs)
  return new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + count) - offsetMs)
}

const writtenPattern = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/

/** What `beijingTime` writes, read back; undefined for anything else, such as the 31st of February. */
export function fromBeijingTime(text: string): Date | undefined {
  if (!writtenPattern.test(text)) return undefined
  const time = new Date(`${text.replace(' ', 'T')}+08:00`)
  return Number.isNaN(time.getTime()) || beijingTime(time) !== text ? undefined : time
}
