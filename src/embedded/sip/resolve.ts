import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import type { Peer, TransportName } from './transport.ts'
import { parseUri } from './uri.ts'

/** Where a URI leads. Literal addresses, which is nearly always, at once; names later or never. */
export function resolveUri(
  uri: string,
  transport: TransportName,
  family: 4 | 6,
): Peer | Promise<Peer | undefined> | undefined {
  const parsed = parseUri(uri)
  if (parsed === undefined) return undefined
  const host = parsed.host.replace(/^\[|\]$/g, '')
  const port = parsed.port ?? 5060
  if (isIP(host) !== 0) return { transport, host, port }
  return lookup(host, { family }).then(
    (found) => ({ transport, host: found.address, port }),
    () => undefined,
  )
}

export const familyOf = (host: string): 4 | 6 => (isIPv6(host) ? 6 : 4)
