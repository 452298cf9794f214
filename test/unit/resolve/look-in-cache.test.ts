import { describe, expect, test } from 'vitest'
import type { Product } from '../../../src/domain/call.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { createLookInCache, knownFrom } from '../../../src/resolve/look-in-cache.ts'
import type { CachedRoute, RecordsWanted } from '../../../src/resolve/read-cached.ts'
import { aNumber, somePoolSettings } from '../../support/builders.ts'
import { x } from './some-records.ts'

const unknown = { kind: 'unknown' } as const
const absent = { kind: 'absent', version: 3 } as const
const question = { x, party: 'index', extension: undefined }
const at = new Date('2026-11-24T08:00:00Z')

function aCache() {
  const reads: RecordsWanted[] = []
  let number = numberOf('AXB')
  const trust = { believed: true, doubted: 0 }
  const look = createLookInCache({
    cache: {
      async read(_question, wanted): Promise<CachedRoute> {
        reads.push(wanted)
        return {
          number,
          party: wanted.legs ? absent : unknown,
          extension: unknown,
          caller: unknown,
        }
      },
    },
    trust: {
      believes: () => trust.believed,
      doubt: () => {
        trust.doubted += 1
      },
    },
    log: createLogger({ level: 'silent' }),
  })
  return {
    reads,
    trust,
    become: (product: Product, screened = false) => {
      number = numberOf(product, screened)
    },
    look: () => look(question),
  }
}

function numberOf(product: Product, screened = false) {
  const number = {
    ...aNumber({ product, settings: somePoolSettings({ screened }) }),
    single: undefined,
  }
  return { kind: 'number', version: 4, number } as const
}

const wants = (legs: boolean, caller: boolean) => ({ legs, caller })

describe('a lookup reads once what its X needs', () => {
  test('the legs, for an AXB number', async () => {
    const cache = aCache()
    await cache.look()
    await cache.look()
    expect(cache.reads).toEqual([wants(true, false), wants(true, false)])
  })

  test.each([
    ['AXN', false, wants(false, false)],
    ['95AXN', false, wants(false, false)],
    ['X_MODE', false, wants(false, false)],
  ] as const)('%s: X alone, from the second call on', async (product, screened, wanted) => {
    const cache = aCache()
    cache.become(product, screened)
    for (let call = 0; call < 3; call += 1) await cache.look()
    expect(cache.reads).toEqual([wants(true, false), wanted, wanted])
  })

  test.each([
    ['AXB', true, wants(true, true)],
    ['AXN', true, wants(false, true)],
    ['AXG', false, wants(false, true)],
    ['AXN_EXTENSION', true, wants(true, true)],
  ] as const)(
    '%s, screened %s: once more for what is held about the caller, and never again',
    async (product, screened, wanted) => {
      const cache = aCache()
      cache.become(product, screened)
      for (let call = 0; call < 3; call += 1) await cache.look()
      expect(cache.reads).toEqual([wants(true, false), wanted, wanted, wanted])
    },
  )

  test('an X that becomes another kind is read once more, then as it is', async () => {
    const cache = aCache()
    cache.become('AXN')
    await cache.look()
    await cache.look()
    cache.become('AXB')
    await cache.look()
    await cache.look()
    expect(cache.reads).toEqual([
      wants(true, false),
      wants(false, false),
      wants(false, false),
      wants(true, false),
      wants(true, false),
    ])
  })
})

test('a cache that is not believed is not asked', async () => {
  const cache = aCache()
  cache.trust.believed = false
  expect(await cache.look()).toBeUndefined()
  expect(cache.reads).toEqual([])
})

describe('what the cache knows is enough', () => {
  const live = new Date(at.getTime() + 1000)
  const bound = (given: { aIndex?: string; expiresAt?: Date } = {}) =>
    ({
      kind: 'bound',
      version: 7,
      bound: {
        bindingId: '1' as never,
        callerRole: 'N',
        peerSealed: 'a',
        expiresAt: given.expiresAt ?? live,
        restriction: undefined,
        outId: undefined,
        recording: undefined,
        tones: undefined,
        ringSecondsMax: undefined,
        talkSecondsMax: undefined,
        aIndex: given.aIndex,
      },
    }) as const
  const known = (given: Partial<CachedRoute>, party: string | undefined, extension?: string) =>
    knownFrom(
      { number: unknown, party: unknown, extension: unknown, caller: unknown, ...given },
      { x, party, extension },
      at,
    )

  test('when X is not ours', () => {
    expect(known({ number: absent }, 'index')).toMatchObject({ number: undefined, version: 3 })
    expect(known({}, 'index')).toBeUndefined()
  })
  test('for AXB, with the leg of the caller, whatever was dialled after X', () => {
    const number = numberOf('AXB')
    expect(known({ number }, 'index')).toBeUndefined()
    expect(known({ number, party: absent }, 'index')).toMatchObject({ version: 4 })
    expect(known({ number, party: bound() }, 'index', '12')).toMatchObject({ version: 7 })
    expect(known({ number }, undefined)).toMatchObject({ own: undefined })
  })
  test('for AXN, AXG and X mode, with X', () => {
    for (const product of ['AXN', '95AXN', 'AXG', 'X_MODE'] as const) {
      expect(known({ number: numberOf(product) }, 'index', '12')).toMatchObject({ version: 4 })
    }
  })
  test('for an extension, with its own record, unless the caller may be its A', () => {
    const number = numberOf('AXN_EXTENSION')
    const other = bound({ aIndex: 'somebody' })
    expect(known({ number, extension: other }, 'index', '12')).toMatchObject({ version: 7 })
    expect(known({ number, extension: bound({ aIndex: 'index' }) }, 'index', '12')).toBeUndefined()
    expect(known({ number, extension: bound() }, 'index', '12')).toBeUndefined()
    expect(known({ number, extension: absent }, 'index', '12')).toBeUndefined()
    expect(known({ number, extension: absent }, undefined, '12')).toMatchObject({ version: 4 })
    const over = bound({ aIndex: 'somebody', expiresAt: at })
    expect(known({ number, extension: over }, 'index', '12')).toBeUndefined()
    expect(known({ number, party: absent, extension: over }, 'index', '12')).toBeDefined()
  })
})
