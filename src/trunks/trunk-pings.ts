import type { Trunk } from '../domain/trunk.ts'
import type { TrunkHealth } from './trunk-health.ts'

/** After a silence it is asked again soon, until it has answered twice: either may be news. */
const againMsMax = 10_000
const tickMs = 250
/** Each holds a transaction of the SIP server for half a minute when nobody answers. */
const atOnceMax = 50

/** Resolves to whether anything was answered; undefined: it could not be asked at all. */
type Ping = (trunk: Trunk) => Promise<boolean | undefined>

/** Asks each outgoing trunk, at its own interval, whether it is there. */
export function startTrunkPings(deps: {
  outgoing: () => readonly Trunk[]
  ping: Ping
  health: Pick<TrunkHealth, 'onPing'>
  nowMs: () => number
  random?: () => number
}): { stop(): void } {
  const { outgoing, ping, health, nowMs, random = Math.random } = deps
  let dueAt = new Map<string, number>()
  const asking = new Set<string>()
  const silent = new Set<string>()
  let stopped = false

  /** Not all routers, and not all trunks of one, in the same moment. */
  const soon = (ms: number) => nowMs() + ms * (0.9 + random() * 0.2)

  async function ask(trunk: Trunk, key: string): Promise<void> {
    asking.add(key)
    const intervalMs = trunk.optionsSeconds * 1000
    try {
      const answered = await ping(trunk)
      if (stopped) return
      if (answered !== undefined) health.onPing(trunk, answered)
      const isSettled = answered === true && !silent.has(key)
      dueAt.set(key, soon(isSettled ? intervalMs : Math.min(intervalMs, againMsMax)))
      if (answered === true) silent.delete(key)
      else silent.add(key)
    } finally {
      asking.delete(key)
    }
  }

  function tick(): void {
    const asked = outgoing().filter(({ optionsSeconds }) => optionsSeconds > 0)
    const byKey = new Map(asked.map((trunk) => [keyOf(trunk), trunk]))
    // A trunk that is new is asked within a second or so.
    dueAt = new Map([...byKey.keys()].map((key) => [key, dueAt.get(key) ?? soon(1_000)]))
    const now = nowMs()
    for (const [key, trunk] of byKey) {
      const isDue = (dueAt.get(key) ?? 0) <= now && !asking.has(key)
      if (isDue && asking.size < atOnceMax) void ask(trunk, key)
    }
  }

  const timer = setInterval(tick, tickMs)
  return {
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}

/** With its place: at another one it is another trunk. */
function keyOf({ id, host, port, transport, optionsSeconds }: Trunk): string {
  return [id, host, port, transport, optionsSeconds].join(' ')
}
