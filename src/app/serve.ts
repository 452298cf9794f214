import { captureConsole, createLogger } from '../platform/logger.ts'
import type { Settings } from '../platform/settings.ts'
import { type Role, startEngine } from './engine.ts'

/** Run the engine until told to stop; resolves when it has drained and closed. */
export async function serve(
  settings: Settings,
  roles: readonly Role[],
  stopped: AbortSignal,
): Promise<void> {
  const log = createLogger({ level: settings.LOG_LEVEL })
  captureConsole(log)
  // A library that throws out of a socket handler must not take all the calls with it.
  const survive = (err: unknown) => log.error({ err }, 'a fault that nobody caught')
  process.on('uncaughtException', survive).on('unhandledRejection', survive)
  const engine = await startEngine(settings, roles, log)
  await new Promise<void>((resolve) => {
    if (stopped.aborted) resolve()
    else stopped.addEventListener('abort', () => resolve(), { once: true })
  })
  await engine.stop()
}
