import { type Api, type BindRequest, createApi } from './api.ts'
import { type Cast, numberOf, peopleOf } from './cast.ts'
import type { BindingWish, CatalogEntry, Change, Product, Scene, Who } from './catalog.ts'
import { until } from './ports.ts'
import { ringbackCode } from './runtime.ts'

/** What is set up for one story. */
export type Ground = {
  readonly product: Product
  readonly cast: Cast
  /** Those of the cast who are in the story. */
  readonly people: readonly Who[]
  /** Ids of the bindings; undefined: none was wished for. */
  readonly first: string | undefined
  readonly second: string | undefined
  /** With a token of its own, which may only read: simulations are few in a minute for each token. */
  readonly reader: Api
  /** Whether the calls that are answered must have been recorded. */
  readonly recorded: boolean
  /** Waits for the moment that the scene has to begin at, measured against a binding's end. */
  untilItIsTime(scene: Scene): Promise<void>
  make(changes: readonly Change[]): Promise<void>
}

/** The shortest that the engine takes is a minute. */
const expiresSoonMs = 61_500
const expiresMs = 3_600_000

export async function createGround(given: {
  api: Api
  entry: CatalogEntry
  cast: Cast
  poolKey: string
}): Promise<Ground> {
  const { api, entry, cast, poolKey } = given
  const product = entry.product ?? 'AXB'
  await api.addNumbers(poolKey, [cast.x])
  const groupId = product === 'AXG' ? await createGroup(given) : undefined
  const bind = async (wish: BindingWish | undefined) => {
    if (wish?.none === true) return undefined
    return api.bind(bindRequest({ wish: wish ?? {}, product, cast, poolKey, groupId }))
  }
  let first = product === 'X_MODE' ? undefined : await bind(entry.binding)
  const second = entry.alsoBound === undefined ? undefined : await bind(entry.alsoBound)
  const { token } = await api.createToken({ name: `story of ${cast.x}`, scopes: ['read'] })
  const endsAtMs = first === undefined ? 0 : new Date(first.expiresAt).getTime()
  return {
    product,
    cast,
    people: peopleOf(entry),
    get first() {
      return first?.id
    },
    second: second?.id,
    reader: createApi(api.base, token),
    recorded: entry.binding?.recording ?? entry.pool?.recording ?? false,
    async untilItIsTime({ secondsToExpiry }) {
      if (secondsToExpiry === undefined) return
      const atMs = endsAtMs - secondsToExpiry * 1000
      await until('it is time', () => Date.now() > atMs, expiresSoonMs + 30_000)
    },
    async make(changes) {
      for (const change of changes) {
        if (change.do === 'bind') first = await bind({ ...entry.binding, none: false })
        else await makeOne(change, { api, cast, poolKey, groupId, bindingId: first?.id ?? '' })
      }
    },
  }
}

type Place = {
  readonly api: Api
  readonly cast: Cast
  readonly poolKey: string
  readonly groupId: string | undefined
  readonly bindingId: string
}

async function makeOne(
  change: Exclude<Change, { do: 'bind' }>,
  { api, cast, poolKey, groupId = '', bindingId }: Place,
): Promise<void> {
  const group = { poolKey, id: groupId }
  const numbers = (...who: readonly Who[]) => who.map((each) => numberOf(cast, each))
  switch (change.do) {
    case 'unbind':
      return void (await api.unbind(bindingId))
    case 'update':
      return void (await api.updateBinding(bindingId, updateOf(change, cast)))
    case 'add-member':
      return void (await api.addMembers(group, numbers(change.who)))
    case 'remove-member':
      return void (await api.removeMembers(group, numbers(change.who)))
    case 'set-members':
      return void (await api.setMembers(group, numbers(...change.members)))
    case 'block':
      return void (await api.block(poolKey, numberOf(cast, change.who)))
    case 'unblock':
      return void (await api.unblock(poolKey, numberOf(cast, change.who)))
    case 'block-pair':
      return void (await api.blockPair(poolKey, pairOf(change, cast)))
    case 'unblock-pair':
      return void (await api.unblockPair(poolKey, pairOf(change, cast)))
    case 'set-pool':
      return void (await api.updatePool(poolKey, change.pool))
    default:
      return void (await api.setNumber(cast.x, change.do))
  }
}

const restricts = { AX: 'CONTROL_AX_DISABLE', BX: 'CONTROL_BX_DISABLE' } as const

function updateOf({ a, b, restrict }: Extract<Change, { do: 'update' }>, cast: Cast) {
  return {
    ...(a === undefined ? {} : { phoneA: numberOf(cast, a) }),
    ...(b === undefined ? {} : { phoneB: numberOf(cast, b) }),
    ...(restrict === undefined ? {} : { callRestrict: restricts[restrict] }),
  }
}

const pairOf = (
  { who, and, way = 'DUPLEX_REJECT' }: Extract<Change, { do: 'block-pair' | 'unblock-pair' }>,
  cast: Cast,
) => ({ first: numberOf(cast, who), second: numberOf(cast, and), way })

async function createGroup({
  api,
  entry,
  cast,
  poolKey,
}: {
  api: Api
  entry: CatalogEntry
  cast: Cast
  poolKey: string
}): Promise<string> {
  const members = entry.binding?.members ?? ['N']
  const numbers = members.map((who) => numberOf(cast, who))
  return (await api.createGroup(poolKey, { name: `g${cast.x.slice(-8)}`, numbers })).id
}

function bindRequest(given: {
  wish: BindingWish
  product: Product
  cast: Cast
  poolKey: string
  groupId: string | undefined
}): BindRequest {
  const { wish, product, cast, poolKey, groupId } = given
  const b = wish.b ?? (product === 'AXB' ? 'B' : false)
  const livesMs = wish.short === true ? expiresSoonMs : expiresMs
  const tones =
    wish.ringback === true ? { a: ringbackCode, peer: ringbackCode } : (wish.tones ?? undefined)
  return {
    poolKey,
    phoneA: numberOf(cast, wish.a ?? 'A'),
    ...(b === false ? {} : { phoneB: numberOf(cast, b) }),
    x: cast.x,
    expiresAt: new Date(Date.now() + livesMs).toISOString(),
    ...(groupId === undefined ? {} : { groupId }),
    ...(wish.extension === undefined ? {} : { extension: wish.extension }),
    ...(wish.restrict === undefined ? {} : { callRestrict: restricts[wish.restrict] }),
    ...(wish.recording === undefined ? {} : { recording: wish.recording }),
    ...(tones === undefined ? {} : { tones }),
    ...(wish.ringSeconds === undefined ? {} : { ringSeconds: wish.ringSeconds }),
  }
}
