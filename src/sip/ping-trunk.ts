import type { Trunk } from '../domain/trunk.ts'
import { forgetRequest, sendOptions } from './drachtio.ts'
import { trunkUri } from './identity-out.ts'
import type { SipServer } from './servers.ts'

/** Four tries by UDP (RFC 3261 17.1.2.2: after 0.5, 1, 2 s). */
const answerMsMax = 6_000
/** Past every timer of the SIP server. */
const forgetAfterMs = 70_000

/**
 * Whoever answers an OPTIONS is there, whatever it says; only 408 and 503 do not count: the SIP
 * server makes them when nobody answers or nobody can be reached, and a trunk that says so itself
 * takes no calls either. Asked over every SIP server that is connected, and true when all were
 * answered: calls go out over each. Undefined: there was none to ask over. Never rejects.
 */
export async function pingTrunk(
  servers: readonly Pick<SipServer, 'srf' | 'up' | 'onLost'>[],
  trunk: Trunk,
): Promise<boolean | undefined> {
  const answers = await Promise.all(
    servers.filter((server) => server.up).map((server) => askOver(server, trunk)),
  )
  const told = answers.filter((each) => each !== undefined)
  return told.length === 0 ? undefined : told.every((each) => each)
}

function askOver(
  server: Pick<SipServer, 'srf' | 'onLost'>,
  trunk: Trunk,
): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const finish = (answered: boolean | undefined) => {
      clearTimeout(timer)
      stopListening()
      resolve(answered)
    }
    const timer = setTimeout(() => finish(false), answerMsMax)
    const stopListening = server.onLost(() => finish(undefined))
    sendOptions(server.srf, trunkUri(trunk), (request) => {
      if (request === undefined) return finish(false)
      const forgetting = setTimeout(() => forgetRequest(server.srf, request), forgetAfterMs).unref()
      request.on('response', ({ status }) => {
        if (status < 200) return
        clearTimeout(forgetting)
        finish(status !== 408 && status !== 503)
      })
    })
  })
}
