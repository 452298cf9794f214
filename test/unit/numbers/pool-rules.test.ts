import { describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import type { ChangePool } from '../../../src/numbers/pool.ts'
import { checkNewPool, checkPool } from '../../../src/numbers/pool-rules.ts'

const options = { privateHosts: false }
const products: readonly Product[] = ['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG', 'X_MODE']

/** The code of the refusal; undefined: it may be said. */
function refusal(product: Product, change: ChangePool): string | undefined {
  try {
    checkPool(product, change, options)
    return undefined
  } catch (err) {
    return (err as { code: string }).code
  }
}

const may = (change: ChangePool) => products.filter((each) => refusal(each, change) === undefined)

describe('what can be said of the pools of a product', () => {
  test('anything that all have', () => {
    const change = { name: 'Couriers', recording: true, ringSecondsMax: 20, talkSecondsMax: 600 }
    expect(may({ ...change, assignmentMode: 'default', smsMode: 'off', coolingDays: 0 })).toEqual(
      products,
    )
  })

  test('a callback mode where there is an A who can be sent somewhere', () => {
    const there = ['AXN', 'AXN_EXTENSION', '95AXN', 'AXG']
    expect(may({ callbackMode: 'disabled' })).toEqual(there)
    expect(may({ callbackMode: 'default-b' })).toEqual(there)
  })

  test('SMS everywhere but on 95 numbers', () => {
    expect(may({ smsMode: 'intercept' })).not.toContain('95AXN')
    expect(may({ smsMode: 'smart' })).toHaveLength(5)
  })

  test('cities where X is chosen among them', () => {
    expect(may({ assignmentMode: 'strict' })).toEqual(['AXB', 'AXN', 'AXN_EXTENSION', 'AXG'])
  })

  test('tones for the moments that there are', () => {
    expect(may({ tones: { a: '1', peer: '1' } })).toEqual(products.slice(0, 5))
    expect(may({ tones: { alone: '1' } })).toEqual(['AXN', 'AXN_EXTENSION', '95AXN', 'AXG'])
    const pickups = { aPickup: '1', peerPickup: '1' }
    expect(may({ tones: pickups })).toEqual(['AXB', 'AXN', 'AXN_EXTENSION', '95AXN'])
    expect(may({ tones: {} })).toEqual(products)
  })

  test('a control URL in X mode, where there is nothing to cool down or to use up', () => {
    expect(may({ controlUrl: 'https://calls.example.com/' })).toEqual(['X_MODE'])
    expect(may({ coolingDays: 1 })).not.toContain('X_MODE')
    expect(may({ alarmPercent: 80 })).not.toContain('X_MODE')
    expect(may({ alarmPercent: 'none' })).toEqual(products)
  })

  test('a new X mode pool needs its control URL', () => {
    const pool = { accountId: 'main' as never, name: 'x', product: 'X_MODE' as const }
    expect(() => checkNewPool(pool, options)).toThrow('needs the control URL')
    checkNewPool({ ...pool, controlUrl: 'https://calls.example.com/' }, options)
  })

  test.each<[string, ChangePool]>([
    ['no name', { name: '' }],
    ['a name that is too long', { name: 'x'.repeat(17) }],
    ['a NUL', { name: 'a\0b' }],
    ['a ring limit out of range', { ringSecondsMax: 4 }],
    ['a talk limit out of range', { talkSecondsMax: 86_401 }],
    ['half a second', { talkSecondsMax: 60.5 }],
    ['a cooling time out of range', { coolingDays: 366 }],
    ['an alarm at nothing', { alarmPercent: 0 }],
    ['an alarm beyond all', { alarmPercent: 101 }],
    ['a tone with a path in it', { tones: { a: '../x' } }],
  ])('%s is refused', (_, change) => {
    expect(refusal('AXN', change)).toBe('invalid-parameters')
  })

  test('sixteen characters are a name in any script', () => {
    expect(refusal('AXB', { name: '快'.repeat(16) })).toBeUndefined()
    expect(refusal('AXB', { name: '🚚'.repeat(16) })).toBeUndefined()
  })
})
