import { use } from './at-rest.ts'
import type { CallerRole, PoolWish, Product } from './catalog.ts'

/** The engine's HTTP interface, as far as the tests use it. */
export type Api = ReturnType<typeof createApi>

/** A call record as `/v1/calls` gives it. */
export type CallRecord = {
  readonly id: string
  readonly live: boolean
  readonly x: string
  readonly bindingId?: string
  readonly caller?: string
  readonly callee?: string
  readonly product?: Product
  readonly callerRole?: CallerRole
  /** Digits that were dialled after X. */
  readonly extension?: string
  readonly intercepted: boolean
  readonly unconnectedCause: number
  readonly controlMsg: string
  readonly trunkIn: string
  readonly trunkOut?: string
  readonly callTime: string
  readonly callOutTime?: string
  readonly ringTime?: string
  readonly startTime?: string
  readonly releaseTime?: string
  readonly talkSeconds: number
  readonly releaseDirection?: 'platform' | 'caller' | 'callee'
  readonly releaseCause?: number
  readonly releaseReason?: string
  readonly recorded: boolean
}

export type PoolRequest = PoolWish & { readonly name: string; readonly product: Product }

export type BindRequest = {
  readonly poolKey: string
  readonly phoneA: string
  readonly phoneB?: string
  readonly x: string
  readonly extension?: string
  readonly groupId?: string
  readonly expiresAt: string
  readonly recording?: boolean
  readonly tones?: { a?: string; peer?: string }
  readonly ringSeconds?: number
  readonly callRestrict?: CallRestrict
}

type CallRestrict = 'CONTROL_AX_DISABLE' | 'CONTROL_BX_DISABLE'

export type BindingUpdate = {
  readonly phoneA?: string
  readonly phoneB?: string
  readonly callRestrict?: CallRestrict | null
}

type GroupPlace = { readonly poolKey: string; readonly id: string }
type BlockedPair = { readonly first: string; readonly second: string; readonly way: string }

/** What `/v1/simulate` says would become of a call. */
export type Simulated = {
  readonly decision: 'connect' | 'refuse' | 'ask-digits' | 'ask-customer'
  readonly reasons: readonly string[]
  readonly bindingId?: string
  readonly callerRole?: CallerRole
  readonly hears?: {
    readonly sipStatus: number
    readonly reason: string
    readonly unconnectedCause: number
    readonly controlMsg: string
  }
}

export type TrunkRequest = {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly transport?: 'udp' | 'tcp'
  readonly addresses: readonly string[]
  readonly priority?: number
  readonly trustsIdentity?: boolean
  readonly optionsSeconds?: number
}

const numbersPerRequest = 1000
const requestMsMax = 15_000

export function createApi(base: string, token: string) {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const sent = body === undefined ? undefined : JSON.stringify(body)
    if (sent !== undefined) use(sent)
    const response = await fetch(`${base}${path}`, {
      method,
      signal: AbortSignal.timeout(requestMsMax),
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  return {
    base,
    call,
    isReady: () =>
      fetch(`${base}/readyz`, { signal: AbortSignal.timeout(requestMsMax) }).then(
        (response) => response.ok,
        () => false,
      ),
    metrics: () => fetch(`${base}/metrics`).then((response) => response.text()),
    createPool: (pool: PoolRequest) => call<{ key: string }>('POST', '/v1/pools', pool),
    updatePool: (key: string, pool: PoolWish) => call('PATCH', `/v1/pools/${key}`, pool),
    createToken: (token: { name: string; scopes: readonly string[] }) =>
      call<{ token: string }>('POST', '/v1/tokens', token),
    /** Asked by OPTIONS only where a test wants it: SIPp's scenarios know of none. */
    createTrunk: (trunk: TrunkRequest) =>
      call('POST', '/v1/trunks', { optionsSeconds: 0, ...trunk }),
    removeTrunk: (id: string) => call('DELETE', `/v1/trunks/${id}`),
    async addNumbers(poolKey: string, numbers: readonly string[]) {
      for (let at = 0; at < numbers.length; at += numbersPerRequest) {
        const part = numbers.slice(at, at + numbersPerRequest)
        await call('POST', '/v1/numbers', { poolKey, numbers: part })
      }
    },
    /** `freeze`, `resume` and `fault` are the operator's. */
    setNumber: (x: string, state: 'lock' | 'freeze' | 'resume' | 'fault') =>
      call('POST', `/v1/numbers/${encodeURIComponent(x)}/${state}`),
    createGroup: (poolKey: string, group: { name: string; numbers: readonly string[] }) =>
      call<{ id: string }>('POST', `/v1/pools/${poolKey}/groups`, group),
    addMembers: (group: GroupPlace, numbers: readonly string[]) =>
      call('POST', `/v1/pools/${group.poolKey}/groups/${group.id}/members`, { numbers }),
    removeMembers: (group: GroupPlace, numbers: readonly string[]) =>
      call('POST', `/v1/pools/${group.poolKey}/groups/${group.id}/members/remove`, { numbers }),
    setMembers: (group: GroupPlace, numbers: readonly string[]) =>
      call('PUT', `/v1/pools/${group.poolKey}/groups/${group.id}/members`, { numbers }),
    block: (poolKey: string, number: string) =>
      call('POST', `/v1/pools/${poolKey}/blocked-callers`, { number }),
    unblock: (poolKey: string, number: string) =>
      call('POST', `/v1/pools/${poolKey}/blocked-callers/remove`, { number }),
    blockPair: (poolKey: string, pair: BlockedPair) =>
      call('POST', `/v1/pools/${poolKey}/blocked-pairs`, pair),
    unblockPair: (poolKey: string, { first, second }: BlockedPair) =>
      call('POST', `/v1/pools/${poolKey}/blocked-pairs/remove`, { first, second }),
    removeNumber: (x: string) => call('DELETE', `/v1/numbers/${encodeURIComponent(x)}`),
    bind: (binding: BindRequest) =>
      call<{ id: string; expiresAt: string }>('POST', '/v1/bindings', binding),
    updateBinding: (id: string, update: BindingUpdate) =>
      call('PATCH', `/v1/bindings/${id}`, update),
    unbind: (id: string) => call('DELETE', `/v1/bindings/${id}`),
    simulate: (attempt: { caller?: string; x: string; extension?: string }) =>
      call<Simulated>('POST', '/v1/simulate', attempt),
    async callsTo(x: string): Promise<readonly CallRecord[]> {
      const page = await call<{ items: CallRecord[] }>(
        'GET',
        `/v1/calls?x=${encodeURIComponent(x)}`,
      )
      return page.items
    },
    /** Calls since a time: all of them, page by page. */
    async callsSince(since: Date): Promise<readonly CallRecord[]> {
      const all: CallRecord[] = []
      let cursor: string | undefined
      do {
        const page: { items: CallRecord[]; nextCursor?: string } = await call(
          'GET',
          `/v1/calls?limit=200&since=${since.toISOString()}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        )
        all.push(...page.items)
        cursor = page.nextCursor
      } while (cursor !== undefined)
      return all
    },
    async liveCalls(): Promise<readonly CallRecord[]> {
      const page = await call<{ items: CallRecord[] }>('GET', '/v1/calls?live=true')
      return page.items
    },
  }
}
