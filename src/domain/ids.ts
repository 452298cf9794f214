/** A string that has been through its parser. The brand exists only in the type. */
type Branded<Name extends string> = string & { readonly __brand: Name }

/** One call through X, both legs. UUID. The vendor's `call_id`. */
export type CallId = Branded<'CallId'>

/** The vendor's `SubsId`: 16 decimal digits below 2^53, kept as text (product-semantics 0.3). */
export type BindingId = Branded<'BindingId'>

/** Such as `FC100000137458124`. */
export type PoolKey = Branded<'PoolKey'>

/** A carrier trunk, by the name its administrator gave it. */
export type TrunkId = Branded<'TrunkId'>

/** A virtual number X in E.164 with plus. Shown to both sides, so it is not a secret. */
export type VirtualNumber = Branded<'VirtualNumber'>

/** Owner of pools, numbers, bindings and money. */
export type AccountId = Branded<'AccountId'>

/** A group of real numbers in an AXG pool: 13 digits, the vendor's `GroupId`. */
export type GroupId = Branded<'GroupId'>

/** One run of moving numbers between pools. */
export type MigrationId = Branded<'MigrationId'>

/** A person who stands for numbers: one entry of the real-person certification. */
export type CertifierId = Branded<'CertifierId'>

/** A certification that waits for, or had, a human's decision. */
export type ReviewId = Branded<'ReviewId'>

const e164Pattern = /^\+[1-9]\d{4,14}$/
const bindingIdPattern = /^[1-9]\d{0,15}$/
const poolKeyPattern = /^FC\d{6,18}$/
const serialPattern = /^[1-9]\d{0,14}$/
const trunkIdPattern = /^[a-z0-9][a-z0-9-]{0,31}$/

/** Shape only: whether the text is E.164 with plus. National forms are `platform/`'s to parse. */
export function parseVirtualNumber(text: string): VirtualNumber | undefined {
  return e164Pattern.test(text) ? (text as VirtualNumber) : undefined
}

export function parseBindingId(text: string): BindingId | undefined {
  const fits = bindingIdPattern.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER
  return fits ? (text as BindingId) : undefined
}

export function parsePoolKey(text: string): PoolKey | undefined {
  return poolKeyPattern.test(text) ? (text as PoolKey) : undefined
}

export function parseTrunkId(text: string): TrunkId | undefined {
  return trunkIdPattern.test(text) ? (text as TrunkId) : undefined
}

export function parseGroupId(text: string): GroupId | undefined {
  return serialPattern.test(text) ? (text as GroupId) : undefined
}

export function parseMigrationId(text: string): MigrationId | undefined {
  return serialPattern.test(text) ? (text as MigrationId) : undefined
}

export function parseReviewId(text: string): ReviewId | undefined {
  return serialPattern.test(text) ? (text as ReviewId) : undefined
}
