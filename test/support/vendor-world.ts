import { randomBytes } from 'node:crypto'
import { use } from './at-rest.ts'
import type { Engine } from './engine.ts'
import type { Credentials, RpcClient } from './rpc-clients.ts'

/** Everything that the vendor's actions need, made over /v1, with numbers of its own. */
export type VendorWorld = {
  readonly pools: {
    readonly [Product in 'AXB' | 'AXN' | 'AXN_EXTENSION' | '95AXN' | 'AXG']: string
  }
  /** A real number that nobody has used yet, as the vendor writes it. */
  person(): string
  /** An X of this pool that nobody has used yet, as the vendor writes it. */
  x(poolKey: string): Promise<string>
}

const seed = Date.now() % 10_000
let people = 0
let numbers = 0

export async function createVendorWorld({ api }: Engine): Promise<VendorWorld> {
  const pool = async (product: string) =>
    (await api.createPool({ name: product, product } as never)).key
  const pools = {
    AXB: await pool('AXB'),
    AXN: await pool('AXN'),
    AXN_EXTENSION: await pool('AXN_EXTENSION'),
    '95AXN': await pool('95AXN'),
    AXG: await pool('AXG'),
  }
  return {
    pools,
    person() {
      people += 1
      const mobile = `159${String(seed * 10_000 + people).padStart(8, '0')}`
      use(mobile)
      return mobile
    },
    async x(poolKey) {
      numbers += 1
      const at = String(seed * 1_000 + numbers).padStart(8, '0')
      const national = poolKey === pools['95AXN'] ? `95013${at.slice(2)}` : `171${at}`
      await api.addNumbers(poolKey, [national])
      return national
    },
  }
}

/** `yyyy-MM-dd HH:mm:ss` in Beijing, so many seconds from now. */
export function beijingIn(seconds: number): string {
  const at = new Date(Date.now() + seconds * 1000 + 8 * 3_600_000)
  return at.toISOString().slice(0, 19).replace('T', ' ')
}

/** The `Code` of the answer, thrown or not: old clients throw every refusal, new ones only gateway errors. */
export async function codeOf(asked: Promise<Record<string, unknown>>): Promise<string> {
  try {
    return String((await asked)['Code'])
  } catch (err) {
    if (err instanceof Error && 'code' in err) return String(err.code)
    throw err
  }
}

export type Ask = RpcClient

export const newCredentials = (): Credentials => ({
  id: `AK${randomBytes(11).toString('hex')}`,
  secret: randomBytes(24).toString('base64url'),
})
