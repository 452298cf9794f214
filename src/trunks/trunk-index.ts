import { BlockList, isIP } from 'node:net'
import type { Trunk } from '../domain/trunk.ts'

export type TrunkIndex = {
  /** Whose address this is. Exact addresses come before blocks; among blocks the first trunk wins. */
  bySource(address: string): Trunk | undefined
  byId(id: string): Trunk | undefined
  /** Best first. */
  readonly outgoing: readonly Trunk[]
}

/** Compiled once per change, so that a call pays one map look-up. `trunks`: enabled ones, best first. */
export function compileTrunks(trunks: readonly Trunk[]): TrunkIndex {
  const exact = exactAddresses(trunks)
  const blocks = trunks.map((trunk) => ({ list: blocksOf(trunk), trunk }))
  const byId = new Map(trunks.map((trunk) => [trunk.id as string, trunk]))

  return {
    bySource(source) {
      // A dual-stack socket writes IPv4 peers as ::ffff:192.0.2.1.
      const address = source.replace(/^::ffff:(?=\d+\.)/i, '')
      const found = exact.get(address)
      if (found !== undefined) return found
      const family = isIP(address)
      if (family === 0) return undefined
      const type = family === 6 ? 'ipv6' : 'ipv4'
      return blocks.find(({ list }) => list.check(address, type))?.trunk
    },
    byId: (id) => byId.get(id),
    outgoing: trunks.filter((trunk) => trunk.priority !== undefined),
  }
}

/** The first trunk that names an address has it. */
function exactAddresses(trunks: readonly Trunk[]): ReadonlyMap<string, Trunk> {
  const exact = new Map<string, Trunk>()
  for (const trunk of trunks) {
    for (const address of trunk.addresses) {
      if (!address.includes('/') && !exact.has(address)) exact.set(address, trunk)
    }
  }
  return exact
}

function blocksOf(trunk: Trunk): BlockList {
  const list = new BlockList()
  for (const text of trunk.addresses) {
    const [address = '', bits] = text.split('/')
    if (bits === undefined) continue
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}
