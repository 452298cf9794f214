import type { Logger } from '../platform/logger.ts'
import { within } from '../platform/within.ts'

/** What has to be closed, in the order in which it was opened. */
export type Closers = { readonly name: string; readonly close: () => unknown }[]

const closeMsMax = 8_000

/** Last to first, each with its own limit, whatever happens to the others. */
export async function closeAll(closers: Closers, log: Logger): Promise<void> {
  for (let each = closers.pop(); each !== undefined; each = closers.pop()) {
    const { name, close } = each
    await within(closeMsMax, `closing ${name}`, Promise.resolve().then(close)).catch(
      (err: unknown) => log.warn({ err, part: name }, 'a part could not be closed in order'),
    )
  }
}
