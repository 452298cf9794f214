/**
 * One 20 ms beat for everything that sends or records. Deadlines are absolute, so a late beat is made up for
 * and no drift builds up. Late beats run one per turn of the event loop: what the sockets have received in the
 * meantime is read between them, as it would have been if nothing had been late.
 */
export type Ticker = {
  /** Call `work` on every beat until the returned function is called. */
  add(work: () => void): () => void
  stop(): void
}

export const tickMs = 20

/** After a stop of the whole process (a debugger, a suspended laptop) old beats are dropped, not replayed. */
const behindMsMax = 1000

export function createTicker(): Ticker {
  const works = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  let beating = false
  let deadline = 0

  function beat(): void {
    immediate = undefined
    beating = true
    for (const work of works) work()
    beating = false
    deadline += tickMs
    schedule()
  }

  function schedule(): void {
    if (works.size === 0) return
    const now = performance.now()
    if (now - deadline > behindMsMax) deadline = now
    if (deadline <= now) immediate = setImmediate(beat)
    else timer = setTimeout(onTimer, Math.max(1, Math.round(deadline - now)))
  }

  function onTimer(): void {
    timer = undefined
    immediate = setImmediate(beat)
  }

  function stop(): void {
    if (timer !== undefined) clearTimeout(timer)
    if (immediate !== undefined) clearImmediate(immediate)
    timer = undefined
    immediate = undefined
    works.clear()
  }

  return {
    add(work) {
      works.add(work)
      if (!beating && timer === undefined && immediate === undefined) {
        deadline = performance.now() + tickMs
        schedule()
      }
      return () => works.delete(work)
    },
    stop,
  }
}
