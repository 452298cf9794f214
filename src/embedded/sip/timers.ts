/** RFC 3261's base timers in milliseconds. Tests make them short; everything else derives from them. */
export type Timers = { readonly t1: number; readonly t2: number; readonly t4: number }

export const standardTimers: Timers = { t1: 500, t2: 4000, t4: 5000 }

/** 64 x T1: how long a transaction waits for the other side (timers B, F, H, J, L, M). */
export function giveUpAfter(timers: Timers): number {
  return 64 * timers.t1
}

/**
 * Act after this time, unless what arrives until then makes it needless. When the process was kept from
 * running, what has arrived meanwhile is still unread as the timer fires: so it is read first.
 */
export class Alarm {
  #timer: NodeJS.Timeout | undefined
  #pending: NodeJS.Immediate | undefined

  set(ms: number, act: () => void): void {
    this.clear()
    this.#timer = setTimeout(() => {
      this.#pending = setImmediate(act)
    }, ms)
  }

  clear(): void {
    clearTimeout(this.#timer)
    if (this.#pending !== undefined) clearImmediate(this.#pending)
    this.#pending = undefined
  }
}
