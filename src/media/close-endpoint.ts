import type Mrf from 'drachtio-fsmrf'
import type { Logger } from '../platform/logger.ts'

/** Give an end back, whatever state it is in. */
export function closeEndpoint(endpoint: Mrf.Endpoint, log: Logger): void {
  const { conn, dialog } = endpoint
  // Without an event socket (its host died) the library takes the end for closed already, and its
  // SIP dialog would stay: in the library, and in the SIP server.
  const left = conn === null && dialog?.connected === true ? dialog : undefined
  const closing = left === undefined ? endpoint.destroy() : left.destroy()
  closing.catch((err: unknown) => log.debug({ err }, 'media end was closed already'))
}
