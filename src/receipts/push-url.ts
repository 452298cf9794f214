import { isInsideHost } from '../platform/inside-network.ts'

const lengthMax = 2048

/** What is wrong with a URL that receipts are to be pushed to; undefined: nothing that the text tells. */
export function pushUrlFault(text: string, options: { privateHosts: boolean }): string | undefined {
  // WHATWG: a number in any notation that leads to an IPv4 address becomes that address.
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return 'The URL must be an absolute http or https URL.'
  }
  // As it is kept: what is no ASCII is longer then.
  if (url.href.length > lengthMax) return `The URL has at most ${lengthMax} characters.`
  if (url.username !== '' || url.password !== '') {
    return 'The URL must hold no user name or password; pushes are signed instead.'
  }
  if (url.hash !== '') return 'The URL must have no fragment (#).'
  if (!options.privateHosts && isInsideHost(url.hostname)) {
    return 'The URL must lead to a public host, not into this network (RECEIPT_PRIVATE_HOSTS allows that).'
  }
  return undefined
}
