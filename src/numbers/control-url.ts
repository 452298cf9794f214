import { BlockList, isIP } from 'node:net'

/** Networks that are not the internet: this machine, its neighbours, and what nobody routes. */
const inside = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(network, bits, 'ipv4')
}
for (const [network, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  inside.addSubnet(network, bits, 'ipv6')
}

const insideNames = /(^|\.)(localhost|local|internal|lan|home\.arpa)$/
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
  if (!options.privateHosts && isInside(url.hostname)) {
    return 'The control URL must lead to a public host, not into this network (CONTROL_URL_PRIVATE_HOSTS allows that).'
  }
  return undefined
}

function isInside(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const family = isIP(host)
  // An IPv4 address written as IPv6 is checked as what it leads to.
  if (family !== 0) return inside.check(host, family === 4 ? 'ipv4' : 'ipv6')
  return !host.includes('.') || insideNames.test(host)
}
