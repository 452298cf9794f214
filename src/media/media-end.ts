import type Mrf from 'drachtio-fsmrf'
import type { Logger } from '../platform/logger.ts'
import { within } from '../platform/within.ts'
import { closeEndpoint } from './close-endpoint.ts'
import { isRefusedOffer, MediaFault } from './media-fault.ts'
import { createRingback } from './ringback.ts'
import { hasUsableAudio } from './usable-audio.ts'

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
  const ringback = createRingback(given)

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
    if (!hasUsableAudio(theirs)) throw new MediaFault('media-unacceptable')
    const { dialog } = endpoint
    if (dialog === null || stuck) throw new MediaFault('media-failed')
    stuck = true
    try {
      const modified = dialog.modify(theirs)
      sdp = await within(negotiateMsMax, 're-INVITE to the media host', modified)
    } catch (err) {
      if (!(err instanceof Error && 'status' in err)) throw err
      // Refused, not lost: the library leaves its re-INVITE counted as under way.
      dialog._reinvitesInProgress.count -= 1
      stuck = false
      const reason = isRefusedOffer(err) ? 'media-unacceptable' : 'media-failed'
      throw new MediaFault(reason, { cause: err })
    }
    stuck = false
    return sdp
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

    playRingback: ringback.play,
    ringbackOver: ringback.over,

    sendDigit(digit: string): void {
      if (!digitPattern.test(digit)) return
      api('uuid_send_dtmf', [endpoint.uuid, digit]).catch((err: unknown) =>
        log.warn({ err }, 'digit could not be passed on'),
      )
    },

    /** Of the events of a joined call only the channel's end is still read. */
    joined(): void {
      endpoint.conn?.send(`nixevent ${unreadOnceJoined}`)
    },

    close(): void {
      closeEndpoint(endpoint, log)
    },
  }
}

export type FreeswitchEnd = ReturnType<typeof createMediaEnd>
