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
  const duties = {
    expire: async () => {
      while ((await decisions.endExpired()) > 0);
    },
    finish: () => decisions.finishRest(),
    follow: () => followAll(decisions, log),
  }
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let stopped = true

  async function round(): Promise<void> {
    for (const [duty, work] of Object.entries(duties)) {
      await work().catch((err: unknown) => {
        log.warn({ err, duty }, 'the certification keeper could not do its duty')
      })
    }
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

/** One check that cannot be asked about does not keep the others from being. */
async function followAll(decisions: Decisions, log: Logger): Promise<void> {
  let after = '0'
  for (let asked = 0; asked < checksMax; ) {
    const page = await decisions.underWay(after)
    for (const { id, reference } of page) {
      await decisions.follow(reference).catch((err: unknown) => {
        log.warn({ err, certifierId: id }, 'the outcome of a certification could not be had')
      })
      after = id
    }
    if (page.length === 0) return
    asked += page.length
  }
}
