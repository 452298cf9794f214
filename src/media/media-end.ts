import type Mrf from 'drachtio-fsmrf'
import type { Logger } from '../platform/logger.ts'
import { within } from '../platform/within.ts'

/** What the callee's network plays in China while it rings: 450 Hz, 1 s on, 4 s off. */
const plainRingback = 'tone_stream://%(1000,4000,450);loops=-1'

const unreadOnceJoined =
  'CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER DTMF DETECTED_TONE PLAYBACK_START PLAYBACK_STOP'

const digitPattern = /^[0-9A-D*#]$/

/** Longest that a re-INVITE to the media host may take: the library can wait for ever (drachtio-srf). */
const negotiateMsMax = 4000

/**
 * One party's end in FreeSWITCH. Commands go as `api` where they can: an `execute` waits for the
 * next 20 ms tick of the channel, an `api` does not.
 */
export function createMediaEnd(given: {
  readonly endpoint: Mrf.Endpoint
  readonly tonesDir: string
  readonly log: Logger
}) {
  const { endpoint, log } = given
  let sdp = endpoint.local.sdp
  /** After one refused or lost re-INVITE the library would let every later one hang. */
  let stuck = false
  let negotiating: Promise<string> | undefined
  let ringbackOver = false

  function api(command: string, args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const { conn } = endpoint
      if (conn === null) return reject(new Error('the media end is closed'))
      conn.api(command, args, (reply) => {
        const body = reply.getBody()
        if (body.startsWith('+OK')) resolve(body)
        else reject(new Error(`${command}: ${body.trim().slice(0, 80)}`))
      })
    })
  }

  async function renegotiate(theirs: string): Promise<string> {
    const { dialog } = endpoint
    if (dialog === null || stuck) throw new Error('the media end takes no new offer')
    stuck = true
    const ours = await within(negotiateMsMax, 're-INVITE to the media host', dialog.modify(theirs))
    stuck = false
    sdp = ours
    return ours
  }

  return {
    uuid: endpoint.uuid,
    api,
    get sdp() {
      return sdp
    },

    /** One at a time: a second offer waits for the answer to the first. */
    negotiate(theirs: string): Promise<string> {
      const before = negotiating ?? Promise.resolve('')
      negotiating = before.catch(() => '').then(() => renegotiate(theirs))
      return negotiating
    },

    /** A missing file is the administrator's mistake, not the caller's: the plain tone stands in. */
    playRingback(code: string): void {
      endpoint.execute('playback', `${given.tonesDir}/${code}.wav`, (err, event) => {
        const response = event?.getHeader('Application-Response')
        if (err !== null || ringbackOver || response === 'PLAYBACK ERROR') return
        if (response === 'FILE NOT FOUND') {
          log.warn({ tone: code }, 'ringback file is missing, playing the plain tone')
          endpoint.execute('playback', plainRingback, () => undefined)
        } else {
          this.playRingback(code)
        }
      })
    },

    sendDigit(digit: string): void {
      if (!digitPattern.test(digit)) return
      api('uuid_send_dtmf', [endpoint.uuid, digit]).catch((err: unknown) =>
        log.warn({ err }, 'digit could not be passed on'),
      )
    },

    /** The call is joined: no tone may start again, and of the events only the channel's end is still read. */
    joined(): void {
      ringbackOver = true
      endpoint.conn?.send(`nixevent ${unreadOnceJoined}`)
    },

    close(): void {
      endpoint.destroy().catch((err: unknown) => log.debug({ err }, 'media end was closed already'))
    },
  }
}

export type FreeswitchEnd = ReturnType<typeof createMediaEnd>
