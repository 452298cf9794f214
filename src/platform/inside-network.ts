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
  ['::', 96],
  // Three ways of writing an IPv4 address, whichever it is: NAT64, 6to4, Teredo.
  ['64:ff9b::', 32],
  ['2002::', 16],
  ['2001::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  inside.addSubnet(network, bits, 'ipv6')
}

const insideNames = /(^|\.)(localhost|local|internal|lan|home\.arpa)$/

/**
 * Whether the host of a URL is in this network rather than on the internet, as far as its text
 * tells: a name that leads to an inside address is seen only by whoever connects.
 */
export function isInsideHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (isIP(host) !== 0) return isInsideAddress(host)
  return !host.includes('.') || insideNames.test(host)
}

/** An IPv4 address written as IPv6 is checked as what it leads to. */
export function isInsideAddress(address: string): boolean {
  const family = isIP(address)
  return family === 0 || inside.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
