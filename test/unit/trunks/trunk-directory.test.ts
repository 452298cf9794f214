import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { TrunkId } from '../../../src/domain/ids.ts'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { parseAddressBlock } from '../../../src/platform/address-block.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { compile, createTrunkDirectory } from '../../../src/trunks/trunk-directory.ts'

const aTrunk = (id: string, addresses: string[], change: Partial<Trunk> = {}): Trunk => ({
  id: id as TrunkId,
  host: '192.0.2.9',
  port: 5060,
  transport: 'udp',
  addresses,
  priority: undefined,
  numberFormat: 'e164-plus',
  trustsIdentity: true,
  enabled: true,
  optionsSeconds: 30,
  ...change,
})

test('an exact address comes before a block, and a smaller block before a larger', () => {
  const index = compile([
    aTrunk('wide', ['10.0.0.0/8']),
    aTrunk('narrow', ['10.1.0.0/16']),
    aTrunk('exact', ['10.1.2.3']),
  ])
  const of = (ip: string) => index.bySource(ip)?.id
  expect(of('10.1.2.3')).toBe('exact')
  expect(of('10.1.2.4')).toBe('narrow')
  expect(of('10.2.0.1')).toBe('wide')
  expect(of('11.0.0.1')).toBeUndefined()
})

test('an address is the same however it is written', () => {
  const index = compile([
    aTrunk('six', ['2001:DB8:0:0::1', '::ffff:192.0.2.7']),
    aTrunk('net', ['2001:db8:1::/48']),
  ])
  expect(index.bySource('2001:db8::1')?.id).toBe('six')
  expect(index.bySource('192.0.2.7')?.id).toBe('six')
  expect(index.bySource('::ffff:192.0.2.7')?.id).toBe('six')
  expect(index.bySource('2001:db8:1::77')?.id).toBe('net')
})

test('what is not an address belongs to nobody', () => {
  const index = compile([aTrunk('all', ['0.0.0.0/1', '128.0.0.0/1'])])
  for (const text of ['', 'localhost', '10.0.0', '10.0.0.1:5060', '1.2.3.4.5']) {
    expect(index.bySource(text)).toBeUndefined()
  }
})

test('a trunk that is not enabled is known, and neither takes nor gives calls', () => {
  const off = aTrunk('off', ['192.0.2.1'], { enabled: false, priority: 1 })
  const index = compile([off])
  expect(index.bySource('192.0.2.1')).toBeUndefined()
  expect(index.outgoing).toEqual([])
  expect(index.byId.get(off.id)).toBe(off)
})

test('outgoing trunks are in the order of their priority', () => {
  const index = compile([
    aTrunk('c', [], { priority: 20 }),
    aTrunk('b', [], { priority: 10 }),
    aTrunk('a', [], { priority: 20 }),
    aTrunk('only-in', []),
  ])
  expect(index.outgoing.map(({ id }) => id)).toEqual(['b', 'a', 'c'])
})

test('no text makes the parser throw, and what it accepts has a family and a size', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.ipV4(),
        fc.ipV6(),
        fc.tuple(fc.ipV4(), fc.integer({ min: -2, max: 40 })).map(([ip, bits]) => `${ip}/${bits}`),
      ),
      (text) => {
        const block = parseAddressBlock(text)
        if (block?.prefix !== undefined)
          expect(block.prefix).toBeLessThan(block.family === 'ipv4' ? 32 : 128)
      },
    ),
  )
})

test('every address of a list finds its trunk', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.oneof(fc.ipV4(), fc.ipV6()), { minLength: 1, maxLength: 20 }),
      (ips) => {
        const index = compile(ips.map((ip, at) => aTrunk(`t${at}`, [ip])))
        for (const ip of ips) expect(index.bySource(ip)).toBeDefined()
      },
    ),
  )
})

test('a directory that could not be read when it was started goes on trying', async () => {
  let isAway = true
  const directory = createTrunkDirectory({
    trunks: {
      async all() {
        if (isAway) throw new Error('away')
        return [aTrunk('one', [], { priority: 1 })]
      },
    },
    refreshMs: 1,
    log: createLogger({ level: 'silent' }),
  })
  await expect(directory.start()).rejects.toThrow('away')
  expect(directory.outgoing()).toEqual([])
  isAway = false
  await vi.waitFor(() => expect(directory.outgoing().map(({ id }) => id)).toEqual(['one']))
  await directory.stop()
})
