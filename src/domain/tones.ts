/**
 * Codes of the enterprise tones of a pool or a binding (the vendor's RingConfig, product-semantics
 * 1.6), each a file `<code>.wav` in the tones folder. A moment without a code: what the network sends.
 */
export type Tones = { readonly [Moment in ToneMoment]?: string }

/**
 * When a tone is heard: `a` A has called and somebody rings; `alone` A has called and there is
 * nobody to ring; `peer` anybody else has called and A rings; `aPickup` and `peerPickup` after the
 * answer, by who called.
 */
export type ToneMoment = 'a' | 'alone' | 'peer' | 'aPickup' | 'peerPickup'

/** The binding's own win, moment by moment. */
export function tonesOver(own: Tones | undefined, pool: Tones): Tones {
  return own === undefined ? pool : { ...pool, ...own }
}

const codePattern = /^[0-9A-Za-z_-]{1,32}$/
const moments: ReadonlySet<string> = new Set<ToneMoment>([
  'a',
  'alone',
  'peer',
  'aPickup',
  'peerPickup',
])

/** Whether every code is one that a tone can have, and every moment one that there is. */
export function areTones(tones: Tones): boolean {
  return Object.entries(tones).every(
    ([moment, code]) => moments.has(moment) && (code === undefined || codePattern.test(code)),
  )
}
