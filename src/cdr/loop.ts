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
  let waking = new AbortController()
  let retryMs = deps.retryMsMin
  let failing = false

  async function once(): Promise<void> {
    waking = new AbortController()
    const more = await deps.step(stopping.signal)
    if (failing) deps.onRecovery()
    failing = false
    retryMs = deps.retryMsMin
    if (!more && !stopping.signal.aborted) await pause(deps.idleMs, waking.signal)
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
    wake: () => waking.abort(),
    isFailing: () => failing,
    async stop() {
      stopping.abort()
      waking.abort()
      await running
    },
  }
}
