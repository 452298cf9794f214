const milliseconds = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`)
/** Seconds that calls under way speak of; all forgotten when there are more. */
const secondsMax = 4_096

/**
 * As `toISOString`, at a tenth of its cost: events of calls that are up at the same time speak of
 * the same seconds again and again.
 */
export function createEventTime(): (moment: Date) => string {
  const known = new Map<number, string>()

  return (moment) => {
    const ms = moment.getTime()
    const second = Math.floor(ms / 1000)
    let text = known.get(second)
    if (text === undefined) {
      if (known.size >= secondsMax) known.clear()
      text = moment.toISOString().slice(0, -'000Z'.length)
      known.set(second, text)
    }
    return text + milliseconds[ms - second * 1000]
  }
}
