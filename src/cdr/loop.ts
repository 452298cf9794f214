import { pause } from './pause.ts'

export type Loop = {
  /** Ends the idle wait. */
  wake(): void
  isFailing(): boolean
  /** The step that is running is waited for. */
  stop(): Promise<void>
}

/**
 * Does `step` again and again: at once when it says there is more, after `idleMs` when not, and
 * after a growing pause when it fails.
 */
export function startLoop(deps: {
  /** True when there is more to do. */
  step(signal: AbortSignal): Promise<boolean>
  idleMs: number
  retryMsMin: number
  retryMsMax: number
  /** `first`: the step before did not fail. */
  onFailure(err: unknown, first: boolean): void
  onRecovery(): void
}): Loop {
  const stopping = new AbortController()
  // Not a signal per step: making and giving one costs more than most steps.
  let isWoken = false
  let endIdle: (() => void) | undefined
  let retryMs = deps.retryMsMin
  let failing = false

  async function once(): Promise<void> {
    isWoken = false
    const more = await deps.step(stopping.signal)
    if (failing) deps.onRecovery()
    failing = false
    retryMs = deps.retryMsMin
    if (!more && !isWoken) await idle()
  }

  function idle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deps.idleMs)
      endIdle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  function wake(): void {
    isWoken = true
    endIdle?.()
    endIdle = undefined
  }

  async function afterFailure(err: unknown): Promise<void> {
    deps.onFailure(err, !failing)
    failing = true
    await pause(retryMs, stopping.signal)
    retryMs = Math.min(2 * retryMs, deps.retryMsMax)
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) await once().catch(afterFailure)
  }

  const running = run()
  return {
    wake,
    isFailing: () => failing,
    async stop() {
      stopping.abort()
      wake()
      await running
    },
  }
}
