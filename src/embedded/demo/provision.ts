import type { Api } from './api.ts'
import { createTrunkProbe, type TrunkProbe } from './trunk-probe.ts'

/** Numbers that belong to nobody, for the demo. X is shown to everyone; A and B only masked. */
const demo = {
  poolName: 'Demo',
  a: '+8613800000001',
  b: '+8613900000002',
  xs: ['+8617000000001', '+8617000000002', '+8617000000003'],
  ringback: 'demo-ringback',
  outId: 'quickstart',
} as const

/** How the two real numbers could be written anywhere: nothing of it may reach the other side. */
export const demoNumbers = { a: demo.a, b: demo.b, ringback: demo.ringback } as const

/** Calls in from the phones of this machine, calls out to whoever plays B. */
const trunkIds = { phones: 'demo-phones', callee: 'demo-callee' } as const

const bindingDays = 30

export type Provisioned = {
  readonly poolKey: string
  readonly numbers: readonly string[]
  readonly binding: DemoBinding
}

export type DemoBinding = {
  readonly id: string
  readonly x: string
  /** Masked by the engine. */
  readonly phoneA: string
  readonly phoneB: string
}

export type CalleeAddress = {
  readonly host: string
  readonly port: number
  readonly transport: 'udp' | 'tcp'
}

type Page<T> = { readonly items: readonly T[] }
type Trunk = Readonly<Record<string, unknown>> & { readonly id: string }

/** What the demo needs is made where it is missing, so that every start after the first finds it. */
export async function provision(options: {
  readonly api: Api
  /** Where the engine takes SIP, `host:port`. */
  readonly sip: string
  /** Addresses that the demo's calls come from. */
  readonly callerAddresses: readonly string[]
  readonly callee: CalleeAddress
}): Promise<Provisioned> {
  const { api } = options
  const poolKey = await ensurePool(api)
  await ensureNumbers(api, poolKey)
  await ensureTrunks(options)
  const binding = await bindAnew(api, poolKey)
  return { poolKey, numbers: demo.xs, binding }
}

async function ensurePool(api: Api): Promise<string> {
  const { items } = await api.get<Page<{ key: string; name: string }>>('/v1/pools?limit=200')
  const found = items.find(({ name }) => name === demo.poolName)
  if (found !== undefined) return found.key
  const pool = { name: demo.poolName, product: 'AXB' }
  return (await api.post<{ key: string }>('/v1/pools', pool)).key
}

async function ensureNumbers(api: Api, poolKey: string): Promise<void> {
  const path = `/v1/numbers?poolKey=${poolKey}&limit=200`
  const { items } = await api.get<Page<{ x: string }>>(path)
  const missing = demo.xs.filter((x) => items.every((each) => each.x !== x))
  if (missing.length > 0) await api.post('/v1/numbers', { poolKey, numbers: missing })
}

async function ensureTrunks(options: Parameters<typeof provision>[0]): Promise<void> {
  const { api, sip, callerAddresses, callee } = options
  const wanted: readonly Trunk[] = [
    // The lowest priority value: in the demo every call goes to the demo's callee.
    { id: trunkIds.callee, ...callee, addresses: [], priority: 0 },
    { id: trunkIds.phones, host: callerAddresses[0] ?? '127.0.0.1', addresses: callerAddresses },
  ]
  const { items } = await api.get<Page<Trunk>>('/v1/trunks')
  if (wanted.every((trunk) => items.some((each) => covers(each, trunk)))) return

  const probe = await createTrunkProbe(callerAddresses[0] ?? '127.0.0.1', sip)
  try {
    await replaceTrunks(api, wanted, items, probe)
  } finally {
    await probe.stop()
  }
}

/** Routers learn of trunks a moment later. Seen from outside: first they know us no more, then they know us again. */
async function replaceTrunks(
  api: Api,
  wanted: readonly Trunk[],
  found: readonly Trunk[],
  probe: TrunkProbe,
): Promise<void> {
  const old = wanted.filter(({ id }) => found.some((each) => each.id === id))
  for (const { id } of old) await api.remove(`/v1/trunks/${id}`)
  if (old.length > 0) await probe.waitUntil('stranger')
  for (const trunk of wanted) await api.post('/v1/trunks', trunk)
  await probe.waitUntil('known')
}

function covers(found: Trunk, wanted: Trunk): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => JSON.stringify(found[name]) === JSON.stringify(value),
  )
}

/** A new binding for each start, so that the story is told from the beginning. */
async function bindAnew(api: Api, poolKey: string): Promise<DemoBinding> {
  const query = `poolKey=${poolKey}&outId=${demo.outId}&live=true`
  const { items } = await api.get<Page<{ id: string }>>(`/v1/bindings?${query}`)
  for (const { id } of items) await api.remove(`/v1/bindings/${id}`)
  return await api.post<DemoBinding>('/v1/bindings', {
    poolKey,
    phoneA: demo.a,
    phoneB: demo.b,
    expiresAt: new Date(Date.now() + bindingDays * 86_400_000).toISOString(),
    recording: true,
    tones: { a: demo.ringback, peer: demo.ringback },
    outId: demo.outId,
  })
}
