import { Alarm, giveUpAfter, type Timers } from './timers.ts'

export type Repeater = { readonly stop: () => void }

/** Repeats a response that only the user agent core may repeat: a 2xx until its ACK, a reliable 1xx until its PRACK. */
export function createRepeater(options: {
  readonly timers: Timers
  readonly repeats: boolean
  readonly send: () => void
  readonly onGiveUp: () => void
}): Repeater {
  const { timers, repeats, send, onGiveUp } = options
  const repeat = new Alarm()
  const limit = new Alarm()

  function repeatAfter(wait: number): void {
    repeat.set(wait, () => {
      send()
      repeatAfter(Math.min(wait * 2, timers.t2))
    })
  }

  if (repeats) repeatAfter(timers.t1)
  limit.set(giveUpAfter(timers), () => {
    repeat.clear()
    onGiveUp()
  })

  return {
    stop() {
      repeat.clear()
      limit.clear()
    },
  }
}
