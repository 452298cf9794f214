import { BlockList, isIP } from 'node:net'
import type { TrunkId } from '../domain/ids.ts'
import type { Trunk } from '../domain/trunk.ts'
import { canonical, parseAddressBlock } from '../platform/address-block.ts'
import type { Logger } from '../platform/logger.ts'

const refreshMsDefault = 2_000

export type TrunkDirectory = {
  /** Resolves when the trunks are known; rejects when they cannot be read yet, and goes on trying. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Reads them now: after a change through this process. */
  refresh(): Promise<void>
  /** The enabled trunk that calls from this address belong to. An exact address comes before a block, a smaller block before a larger. */
  bySource(ip: string): Trunk | undefined
  /** Enabled trunks that take outgoing calls, best first. */
  outgoing(): readonly Trunk[]
  byId(id: TrunkId): Trunk | undefined
}

/** The trunks in memory, compiled for lookups by every INVITE. Without Postgres the last known ones go on. */
export function createTrunkDirectory(deps: {
  trunks: { all(): Promise<readonly Trunk[]> }
  refreshMs?: number
  log: Logger
}): TrunkDirectory {
  const { trunks, log } = deps
  const refreshMs = deps.refreshMs ?? refreshMsDefault
  let index = compile([])
  let timer: NodeJS.Timeout | undefined
  let reading: Promise<void> | undefined
  let stopped = true
  let failing = false

  async function read(): Promise<void> {
    index = compile(await trunks.all())
    if (failing) log.info('trunks are up to date again')
    failing = false
  }

  function schedule(): void {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(tick, refreshMs)
  }

  function tick(): void {
    reading = read()
      .catch((err: unknown) => {
        if (!failing) log.warn({ err }, 'trunks cannot be read; the last known ones go on')
        failing = true
      })
      .finally(() => {
        reading = undefined
        schedule()
      })
  }

  return {
    async start() {
      stopped = false
      try {
        await read()
      } finally {
        schedule()
      }
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await reading
    },
    async refresh() {
      // A read under way may have begun before the change.
      await reading
      await read()
    },
    bySource: (ip) => index.bySource(ip),
    outgoing: () => index.outgoing,
    byId: (id) => index.byId.get(id),
  }
}

type CompiledBlock = {
  /** Both families on one scale: the smaller block is the one with fewer host bits. */
  readonly fixedBits: number
  readonly list: BlockList
  readonly trunk: Trunk
}

/** Pure. */
export function compile(trunks: readonly Trunk[]) {
  const enabled = trunks.filter((trunk) => trunk.enabled)
  const { exact, blocks } = compileAddresses(enabled)

  return {
    byId: new Map(trunks.map((trunk) => [trunk.id, trunk])),
    outgoing: enabled
      .filter((trunk) => trunk.priority !== undefined)
      .sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0) || a.id.localeCompare(b.id)),
    bySource(ip: string): Trunk | undefined {
      if (isIP(ip) === 0) return undefined
      const address = canonical(ip)
      const family = address.includes(':') ? 'ipv6' : 'ipv4'
      return exact.get(address) ?? blocks.find(({ list }) => list.check(address, family))?.trunk
    },
  }
}

function compileAddresses(trunks: readonly Trunk[]) {
  const exact = new Map<string, Trunk>()
  const blocks: CompiledBlock[] = []
  const all = trunks.flatMap((trunk) => trunk.addresses.map((text) => ({ trunk, text })))
  for (const { trunk, text } of all) {
    const block = parseAddressBlock(text)
    if (block === undefined) continue
    const { family, address, prefix } = block
    if (prefix === undefined) {
      if (!exact.has(address)) exact.set(address, trunk)
    } else {
      const list = new BlockList()
      list.addSubnet(address, prefix, family)
      blocks.push({ fixedBits: family === 'ipv4' ? prefix + 96 : prefix, list, trunk })
    }
  }
  return { exact, blocks: blocks.sort((a, b) => b.fixedBits - a.fixedBits) }
}
