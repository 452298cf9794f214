import { giveUpAfter, type Timers } from './timers.ts'

export type Repeater = { readonly stop: () => void }

/** Repeats a response that only the user agent core may repeat: a 2xx until its ACK, a reliable 1xx until its PRACK. */
export function createRepeater(options: {
  readonly timers: Timers
  readonly repeats: boolean
  readonly send: () => void
  readonly onGiveUp: () => void
}): Repeater {
  const { timers, repeats, send, onGiveUp } = options
  let repeat: NodeJS.Timeout | undefined

  function repeatAfter(wait: number): void {
    repeat = setTimeout(() => {
      send()
      repeatAfter(Math.min(wait * 2, timers.t2))
    }, wait)
  }

  if (repeats) repeatAfter(timers.t1)
  const limit = setTimeout(() => {
    clearTimeout(repeat)
    onGiveUp()
  }, giveUpAfter(timers))

  return {
    stop() {
      clearTimeout(repeat)
      clearTimeout(limit)
    },
  }
}
