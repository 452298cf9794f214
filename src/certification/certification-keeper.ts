import type { Logger } from '../platform/logger.ts'
import type { Decisions } from './decisions.ts'

/** Nobody notices a certification that ends a quarter of a minute late. */
const roundMs = 15_000
/** Checks asked about in one round, so that a slow provider does not hold up the rest for good. */
const checksMax = 1_000

export type CertificationKeeper = {
  start(): void
  /** Resolves when the round under way has ended. */
  stop(): Promise<void>
  /** One round, for those who do not wait for the next. Never rejects. */
  round(): Promise<void>
}

/** The worker's part: asks providers how checks went, ends what has run out, finishes what was cut short. */
export function createCertificationKeeper(deps: {
  decisions: Decisions
  log: Logger
}): CertificationKeeper {
  const { decisions, log } = deps
  const duties = [
    duty('expire', log, async () => {
      while ((await decisions.endExpired()) > 0);
    }),
    duty('finish', log, () => decisions.finishRest()),
    duty('follow', log, () => followAll(decisions)),
  ]
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let stopped = true

  async function round(): Promise<void> {
    for (const each of duties) await each()
  }

  function next(): void {
    running = round().finally(() => {
      if (!stopped) timer = setTimeout(next, roundMs)
    })
  }

  return {
    start() {
      if (!stopped) return
      stopped = false
      next()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
    round,
  }
}

/** Complains once when it begins to fail, not every time. */
function duty(name: string, log: Logger, work: () => Promise<void>) {
  let failing = false
  return async (): Promise<void> => {
    try {
      await work()
      if (failing) log.info({ duty: name }, 'the certification keeper works again')
      failing = false
    } catch (err) {
      if (!failing) log.warn({ err, duty: name }, 'the certification keeper cannot work')
      failing = true
    }
  }
}

/** One check that cannot be asked about does not keep the others from being. */
async function followAll(decisions: Decisions): Promise<void> {
  const failures: unknown[] = []
  let after = '0'
  for (let asked = 0; asked < checksMax; ) {
    const page = await decisions.underWay(after)
    for (const { id, reference } of page) {
      await decisions.follow(reference).catch((err: unknown) => failures.push(err))
      after = id
    }
    if (page.length === 0) break
    asked += page.length
  }
  if (failures.length > 0) throw failures[0]
}
