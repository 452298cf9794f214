import { BlockList, isIP } from 'node:net'

export type AddressBlock = {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  /** Undefined: this one address. */
  readonly prefix: number | undefined
}

/** `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. An IPv4 address in IPv6 clothes is undressed. */
export function parseAddressBlock(text: string): AddressBlock | undefined {
  const [address = '', prefixText, ...rest] = plainAddress(text).split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (prefixText === undefined) return { family, address: canonical(address), prefix: undefined }
  const bits = version === 4 ? 32 : 128
  const prefix = Number(prefixText)
  if (!/^\d{1,3}$/.test(prefixText) || prefix < 1 || prefix > bits) return undefined
  return { family, address: canonical(address), prefix: prefix === bits ? undefined : prefix }
}

/** Whether the address is one of these, or in one of these blocks. What is no address is in none. */
export function isAmong(address: string, blocks: readonly string[]): boolean {
  const asked = canonical(address)
  const version = isIP(asked)
  if (version === 0) return false
  const list = new BlockList()
  for (const block of blocks.map(parseAddressBlock)) {
    if (block === undefined) continue
    if (block.prefix === undefined) list.addAddress(block.address, block.family)
    else list.addSubnet(block.address, block.prefix, block.family)
  }
  return list.check(asked, version === 4 ? 'ipv4' : 'ipv6')
}

/** One spelling per address, so that a map finds it. */
export function canonical(address: string): string {
  const plain = plainAddress(address)
  if (!plain.includes(':')) return plain
  // The URL parser writes IPv6 addresses in their shortest form (RFC 5952).
  return new URL(`http://[${plain.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
}

function plainAddress(text: string): string {
  return text.replace(/^::ffff:(?=\d+\.)/i, '')
}
