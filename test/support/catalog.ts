import { readFile } from 'node:fs/promises'

/** One story of `sip-scenarios/*.json`: what is set up, who plays which file, and how it must end. */
export type CatalogEntry = Scene & {
  readonly id: string
  readonly story: string
  /** Of X and its pool; AXB without it. */
  readonly product?: Product
  /** A pool of the story's own, with these settings; without it the pool of all stories of the product. */
  readonly pool?: PoolWish
  readonly binding?: BindingWish
  /** A second binding on the same X. */
  readonly alsoBound?: BindingWish
  /** Further calls, one after the other, each once the record of the one before is complete. */
  readonly then?: readonly Scene[]
}

export type Product = 'AXB' | 'AXN' | 'AXN_EXTENSION' | '95AXN' | 'AXG' | 'X_MODE'
export type CallerRole = 'A' | 'B' | 'N' | 'G'

/** The people of a story: A and B are bound, C and D are other people, N and the stranger are not in the binding. */
export type Who = 'A' | 'B' | 'C' | 'D' | 'N' | 'stranger'

/** One call. */
export type Scene = {
  /** File below `sip-scenarios/`, without `.xml`. */
  readonly caller: string
  /** One per trunk, in the order in which the engine tries them. `nobody`: that trunk gives no sign of life. */
  readonly callees: readonly string[]
  /** Final status of the INVITE at the caller; undefined: none needs to come. */
  readonly status?: number | readonly number[]
  /** `HangupReason` of the call record; undefined: there must be no record. */
  readonly cause?: string | readonly string[]
  readonly release?: Release | readonly Release[]
  /** A without it. */
  readonly from?: Who
  /** Without it: B when A calls, otherwise A. */
  readonly rings?: Who
  /** As whom the engine knows the caller; without it what `from` and the product say. */
  readonly role?: CallerRole
  /** Which binding the caller meets; the first without it. */
  readonly meets?: 'first' | 'second'
  /** What stands in the request URI: `X`, a text that begins with X, or `unknown`, an X that is not ours. */
  readonly dials?: string
  /** The digits after X that the call record must show. */
  readonly extension?: string
  readonly callerForm?: 'e164-plus' | 'e164' | '00' | 'national'
  /** Where the call comes in: a trunk whose identity is believed, one whose is not, or none of our trunks. */
  readonly source?: 'trunk' | 'doubtful-trunk' | 'nowhere'
  /** The call is refused before anybody is rung, and the record says so. */
  readonly refused?: {
    /** 1 blacklist, 2 no binding, 3 call restriction, 4 other. */
    readonly unconnected: 1 | 2 | 3 | 4
    readonly control: string
    /** When the caller had met a binding. */
    readonly role?: CallerRole
  }
  /** Done over the engine's interface before the call, and in the moment of its answer. */
  readonly before?: readonly Change[]
  readonly duringCall?: readonly Change[]
  /** Another call, over the other binding, that begins at the answer of this one. */
  readonly meanwhile?: Scene
  /** The call begins when the first binding has that long to live. */
  readonly secondsToExpiry?: number
  /** Both send sound while they talk: each must have heard the other's. */
  readonly talk?: boolean
  /** What the caller must have heard before the answer: the callee, or a tone by its code. */
  readonly hearsBeforeAnswer?: string
  /** Digits sent as telephone-events by the caller during the call. */
  readonly presses?: string
  /** Several ends are right: the callee may or may not be reached, a record may or may not exist. */
  readonly calleeOptional?: boolean
  readonly recordOptional?: boolean
  /** What the network between one side and us does to every packet. */
  readonly network?: {
    readonly side: 'caller' | 'callee'
    readonly fault: 'repeats' | 'loses-first' | 'delays'
  }
  /** Limit for each SIPp; 20 without it. */
  readonly secondsMax?: number
}

export type PoolWish = {
  readonly callbackMode?: 'default-b' | 'last-caller' | 'disabled'
  readonly recording?: boolean
  readonly ringSeconds?: number
  readonly tones?: Tones
  readonly controlUrl?: string
}

export type Tones = { readonly a?: string; readonly peer?: string }

export type BindingWish = {
  readonly none?: boolean
  /** It lives for the shortest time that the engine takes: about a minute. */
  readonly short?: boolean
  readonly ringback?: boolean
  readonly tones?: Tones
  readonly recording?: boolean
  readonly ringSeconds?: number
  /** A without it. */
  readonly a?: Who
  /** Without it B for AXB, nobody for the others. */
  readonly b?: Who | false
  readonly restrict?: 'AX' | 'BX'
  readonly extension?: string
  /** AXG: N without it. */
  readonly members?: readonly Who[]
}

/** Something that an administrator or the customer's own program does. */
export type Change =
  | { readonly do: 'bind' }
  | { readonly do: 'unbind' }
  | { readonly do: 'update'; readonly b?: Who; readonly a?: Who; readonly restrict?: 'AX' | 'BX' }
  | { readonly do: 'add-member' | 'remove-member'; readonly who: Who }
  | { readonly do: 'set-members'; readonly members: readonly Who[] }
  | { readonly do: 'block' | 'unblock'; readonly who: Who }
  | {
      readonly do: 'block-pair' | 'unblock-pair'
      readonly who: Who
      readonly and: Who
      readonly way?: 'DUPLEX_REJECT' | 'PHONEA_REJECT' | 'PHONEB_REJECT'
    }
  | { readonly do: 'lock' | 'freeze' | 'resume' | 'fault' }
  | { readonly do: 'set-pool'; readonly pool: PoolWish }

export type Release = 'platform' | 'caller' | 'callee'

/** How calls go, and who reaches whom by which product. */
const files = ['catalog', 'products']

export async function readCatalog(): Promise<readonly CatalogEntry[]> {
  const texts = await Promise.all(
    files.map((name) => readFile(`sip-scenarios/${name}.json`, 'utf8')),
  )
  return texts.flatMap((text) => JSON.parse(text) as CatalogEntry[])
}

/** The calls of a story, in order. */
export const scenesOf = (entry: CatalogEntry): readonly Scene[] => [entry, ...(entry.then ?? [])]

/** Those and the calls within calls. */
export const allScenesOf = (entry: CatalogEntry): readonly Scene[] =>
  scenesOf(entry).flatMap((scene) =>
    scene.meanwhile === undefined ? [scene] : [scene, scene.meanwhile],
  )

/** How the engine must know the caller once the caller has met a binding. */
export function roleOf(product: Product, scene: Scene): CallerRole {
  if (scene.role !== undefined) return scene.role
  const from = scene.from ?? 'A'
  if (from === 'A' || (from === 'B' && product === 'AXB')) return from
  return product === 'AXG' ? 'G' : 'N'
}

export const oneOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T]
