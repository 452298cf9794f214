import type { Product } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import { areTones, type ToneMoment } from '../domain/tones.ts'
import { controlUrlFault } from './control-url.ts'
import type { ChangePool, CreatePool } from './pool.ts'
import { illegal } from './refusals.ts'

/** What can be said of the pools of a product (product-semantics 1.2, 1.5, 1.6, 1.7). */
type Offer = {
  /** When a tone can be heard. */
  readonly moments: readonly ToneMoment[]
  /** Whether there is an A who can be sent somewhere. */
  readonly callback: boolean
  readonly sms: boolean
  /** Whether X is chosen among cities; a nationwide one has none. */
  readonly cities: boolean
  readonly bindings: boolean
  readonly blacklist: boolean
}

const axn = ['a', 'alone', 'peer', 'aPickup', 'peerPickup'] as const

const offers: Readonly<Record<Product, Offer>> = {
  AXB: {
    moments: ['a', 'peer', 'aPickup', 'peerPickup'],
    callback: false,
    sms: true,
    cities: true,
    bindings: true,
    blacklist: true,
  },
  AXN: { moments: axn, callback: true, sms: true, cities: true, bindings: true, blacklist: true },
  AXN_EXTENSION: {
    moments: axn,
    callback: true,
    sms: true,
    cities: true,
    bindings: true,
    blacklist: true,
  },
  '95AXN': {
    moments: axn,
    callback: true,
    sms: false,
    cities: false,
    bindings: true,
    blacklist: true,
  },
  AXG: {
    moments: ['a', 'alone', 'peer'],
    callback: true,
    sms: true,
    cities: true,
    bindings: true,
    blacklist: false,
  },
  X_MODE: {
    moments: [],
    callback: false,
    sms: true,
    cities: false,
    bindings: false,
    blacklist: false,
  },
}

export function hasBlacklist(product: Product): boolean {
  return offers[product].blacklist
}

export const productsWithBlacklist: readonly Product[] = (Object.keys(offers) as Product[]).filter(
  (product) => hasBlacklist(product),
)

/** A new pool; `checkPool` is for what is said of one that there is. */
export function checkNewPool(pool: CreatePool, options: { privateHosts: boolean }): void {
  checkPool(pool.product, pool, options)
  if (pool.product === 'X_MODE' && pool.controlUrl === undefined) {
    throw illegal('A pool of product X_MODE needs the control URL of whoever decides on its calls.')
  }
}

/** What a product cannot do is refused even when it would change nothing: who asks for it expects it. */
export function checkPool(
  product: Product,
  pool: ChangePool,
  options: { privateHosts: boolean },
): void {
  const fault =
    faultInName(pool.name) ?? faultInFigures(pool) ?? faultInControlUrl(product, pool, options)
  if (fault !== undefined) throw illegal(fault)
  const missing = missingOf(product, pool)
  if (missing !== undefined) throw notOffered(product, missing)
}

function faultInName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const length = [...name].length
  const fits = length >= 1 && length <= 16 && !name.includes('\0')
  return fits ? undefined : 'The name of a pool has 1 to 16 characters.'
}

function faultInFigures(pool: ChangePool): string | undefined {
  if (pool.tones !== undefined && !areTones(pool.tones)) {
    return 'The code of a tone has 1 to 32 letters, digits, hyphens or underscores.'
  }
  if (!within(pool.ringSecondsMax, 5, 180)) return 'The ring limit is 5 to 180 seconds.'
  if (!within(pool.talkSecondsMax, 60, 86_400)) return 'The talk limit is 60 to 86400 seconds.'
  if (!within(pool.coolingDays, 0, 365)) return 'The cooling time is 0 to 365 days.'
  const alarm = pool.alarmPercent === 'none' ? undefined : pool.alarmPercent
  if (!within(alarm, 1, 100)) return 'An alarm is raised from 1 to 100 per cent on.'
  return undefined
}

function within(value: number | undefined, min: number, max: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= min && value <= max)
}

function faultInControlUrl(
  product: Product,
  { controlUrl }: ChangePool,
  options: { privateHosts: boolean },
): string | undefined {
  if (controlUrl === undefined || product !== 'X_MODE') return undefined
  return controlUrlFault(controlUrl, options)
}

/** In words, what is asked for that the product does not have. */
function missingOf(product: Product, pool: ChangePool): string | undefined {
  const offer = offers[product]
  if (pool.callbackMode !== undefined && !offer.callback) return 'a callback mode'
  if (pool.smsMode !== undefined && pool.smsMode !== 'off' && !offer.sms) return 'SMS'
  if (pool.assignmentMode !== undefined && pool.assignmentMode !== 'default' && !offer.cities) {
    return 'cities to assign by'
  }
  if (pool.controlUrl !== undefined && product !== 'X_MODE') return 'a control URL'
  if (!offer.bindings && (pool.coolingDays ?? 0) > 0) return 'bindings to cool down from'
  if (!offer.bindings && typeof pool.alarmPercent === 'number') return 'a utilisation'
  const moments = Object.keys(pool.tones ?? {}) as ToneMoment[]
  const strange = moments.find((moment) => !offer.moments.includes(moment))
  return strange === undefined ? undefined : `a tone for the moment "${strange}"`
}

function notOffered(product: Product, what: string): DomainError {
  return new DomainError(
    'not-of-product',
    422,
    `Pools of product ${product} have no use for ${what}. Leave it out.`,
    { vendorCode: 'isv.INVALID_PARAMETERS' },
  )
}
