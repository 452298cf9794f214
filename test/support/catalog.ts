import { readFile } from 'node:fs/promises'

/** One story of `sip-scenarios/catalog.json`: who plays which file, and how it must end. */
export type CatalogEntry = {
  readonly id: string
  readonly story: string
  /** File below `sip-scenarios/`, without `.xml`. */
  readonly caller: string
  /** One per trunk, in the order in which the engine tries them. `nobody`: that trunk gives no sign of life. */
  readonly callees: readonly string[]
  /** Final status of the INVITE at the caller; undefined: none needs to come. */
  readonly status?: number | readonly number[]
  /** `HangupReason` of the call record; undefined: there must be no record. */
  readonly cause?: string | readonly string[]
  readonly release?: Release | readonly Release[]
  readonly from?: 'A' | 'B' | 'stranger'
  readonly dials?: 'X' | 'unknown'
  readonly callerForm?: 'e164-plus' | 'e164' | '00' | 'national'
  /** Where the call comes in: a trunk whose identity is believed, one whose is not, or none of our trunks. */
  readonly source?: 'trunk' | 'doubtful-trunk' | 'nowhere'
  readonly binding?: {
    readonly none?: boolean
    readonly expired?: boolean
    readonly removedDuringCall?: boolean
    readonly ringback?: boolean
    readonly recording?: boolean
    readonly ringSeconds?: number
  }
  /** Both send sound while they talk: each must have heard the other's. */
  readonly talk?: boolean
  /** What the caller must have heard before the answer. */
  readonly hearsBeforeAnswer?: 'ringback' | 'callee'
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

export type Release = 'platform' | 'caller' | 'callee'

export async function readCatalog(): Promise<readonly CatalogEntry[]> {
  return JSON.parse(await readFile('sip-scenarios/catalog.json', 'utf8')) as CatalogEntry[]
}

export const oneOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T]
