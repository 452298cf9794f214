import type Mrf from 'drachtio-fsmrf'
import type { Logger } from '../platform/logger.ts'
import { within } from '../platform/within.ts'

/** What the callee's network plays in China while it rings: 450 Hz, 1 s on, 4 s off. */
const plainRingback = 'tone_stream://%(1000,4000,450);loops=-1'

/** A playback begins at the next tick of 20 ms; a host that is this late is not waited for. */
const beginMsMax = 500

/** The tone that a caller hears, again and again until the call is joined. */
export function createRingback(given: {
  readonly endpoint: Mrf.Endpoint
  readonly tonesDir: string
  readonly log: Logger
}) {
  const { endpoint, tonesDir, log } = given
  let over = false
  /** A playback that was ordered and has not begun: it waits for the channel's next tick. */
  let beginning: Promise<void> = Promise.resolve()

  /** Resolves when the playback runs, or has failed to. */
  function order(what: string, ended: (response: string | undefined) => void): Promise<void> {
    return new Promise((resolve) => {
      endpoint.once('playback-start', () => resolve())
      endpoint.execute('playback', what, (err, event) => {
        resolve()
        if (err === null) ended(event?.getHeader('Application-Response'))
      })
    })
  }

  function play(code: string): void {
    beginning = order(`${tonesDir}/${code}.wav`, (response) => {
      if (over || response === 'PLAYBACK ERROR') return
      if (response !== 'FILE NOT FOUND') return play(code)
      // The administrator's mistake, not the caller's: the plain tone stands in.
      log.warn({ tone: code }, 'ringback file is missing, playing the plain tone')
      beginning = order(plainRingback, () => undefined)
    })
  }

  return {
    play,

    /**
     * Bridging stops what is playing, but not what is about to. When this resolves nothing new
     * will be ordered, and what was ordered last runs.
     */
    async over(): Promise<void> {
      over = true
      await within(beginMsMax, 'the ringback to begin', beginning).catch((err: unknown) =>
        log.warn({ err }, 'ringback did not begin'),
      )
    },
  }
}
