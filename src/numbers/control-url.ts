import { isInsideHost } from '../platform/inside-network.ts'

const lengthMax = 2048

/**
 * What is wrong with the URL of a customer's server that is to be asked during calls; undefined:
 * nothing. Only what the text tells: a name that leads to an inside address is seen only by
 * whoever connects, who must look at the address once more.
 */
export function controlUrlFault(
  text: string,
  options: { privateHosts: boolean },
): string | undefined {
  if (text.length > lengthMax) return `The control URL has at most ${lengthMax} characters.`
  // WHATWG: a number in any notation that leads to an IPv4 address becomes that address.
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return 'The control URL must be an absolute http or https URL.'
  }
  if (url.username !== '' || url.password !== '') {
    return 'The control URL must hold no user name or password.'
  }
  if (url.hash !== '') return 'The control URL must have no fragment (#).'
  if (!options.privateHosts && isInsideHost(url.hostname)) {
    return 'The control URL must lead to a public host, not into this network (CONTROL_URL_PRIVATE_HOSTS allows that).'
  }
  return undefined
}
