import { use } from './at-rest.ts'

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
  readonly callerRole?: 'A' | 'B'
  readonly intercepted: boolean
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

export type BindRequest = {
  readonly poolKey: string
  readonly phoneA: string
  readonly phoneB: string
  readonly x: string
  readonly expiresAt: string
  readonly recording?: boolean
  readonly tones?: { a?: string; peer?: string }
  readonly ringSeconds?: number
}

export type TrunkRequest = {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly transport?: 'udp' | 'tcp'
  readonly addresses: readonly string[]
  readonly priority?: number
  readonly trustsIdentity?: boolean
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
    createPool: (name: string) =>
      call<{ key: string }>('POST', '/v1/pools', { name, product: 'AXB' }),
    createTrunk: (trunk: TrunkRequest) => call('POST', '/v1/trunks', trunk),
    removeTrunk: (id: string) => call('DELETE', `/v1/trunks/${id}`),
    async addNumbers(poolKey: string, numbers: readonly string[]) {
      for (let at = 0; at < numbers.length; at += numbersPerRequest) {
        const part = numbers.slice(at, at + numbersPerRequest)
        await call('POST', '/v1/numbers', { poolKey, numbers: part })
      }
    },
    removeNumber: (x: string) => call('DELETE', `/v1/numbers/${encodeURIComponent(x)}`),
    bind: (binding: BindRequest) =>
      call<{ id: string; expiresAt: string }>('POST', '/v1/bindings', binding),
    unbind: (id: string) => call('DELETE', `/v1/bindings/${id}`),
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
