/**
 * What was written to one thing and when, in ticks of one counter, and which values a look at it
 * may give: those of a regular register. A value may be seen from the moment at which its write
 * began, until another write has certainly taken its place before the look began.
 */
export type History<Value> = {
  /** Begins now; what is returned says how it ended. */
  write(value: Value): Writing
  /** Every value that a look between these ticks may have seen. */
  seenBetween(began: number, ended: number): readonly Value[]
}

export type Writing = {
  /** It is true for every look that begins from now on. */
  done(): void
  /** It was refused, so nothing was written. */
  refused(): void
}

export type Ticks = { next(): number }

export function createTicks(): Ticks {
  let tick = 0
  return {
    next() {
      tick += 1
      return tick
    },
  }
}

type Written<Value> = { readonly value: Value; readonly began: number; ended: number; was: boolean }

export function createHistory<Value>(ticks: Ticks, initial: Value): History<Value> {
  const writes: Written<Value>[] = [{ value: initial, began: 0, ended: 0, was: true }]
  return {
    write(value) {
      // Without a word about its end it may have happened at any time.
      const one = { value, began: ticks.next(), ended: Number.POSITIVE_INFINITY, was: true }
      writes.push(one)
      return {
        done() {
          one.ended = ticks.next()
        },
        refused() {
          one.was = false
        },
      }
    },
    seenBetween(began, ended) {
      const real = writes.filter(({ was }) => was)
      const isCovered = (one: Written<Value>) =>
        real.some((other) => other.began > one.ended && other.ended < began)
      return real.filter((one) => one.began < ended && !isCovered(one)).map(({ value }) => value)
    },
  }
}
