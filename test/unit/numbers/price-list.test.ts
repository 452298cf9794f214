import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { priceListFrom, readPriceList } from '../../../src/numbers/price-list.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'axb-prices-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('without a file the prices are those of the vendor’s guide', async () => {
  expect(await readPriceList(undefined)).toEqual({
    rent: { 1: 5_000, 2: 15_000, 3: 500 },
    nationwideCallMinute: 110,
    recordingMinute: 10,
    recognitionMinute: 60,
    smsInterceptedSegment: 25,
    smsForwardedSegment: 100,
  })
})

test('a file changes those that it names', async () => {
  const file = join(folder, 'prices.json')
  await writeFile(file, '{"rentCarrier": "12.50", "recordingMinute": "0"}')
  const list = await readPriceList(file)
  expect(list.rent).toEqual({ 1: 5_000, 2: 12_500, 3: 500 })
  expect(list.recordingMinute).toBe(0)
})

test('a file that is not usable stops the start in words', async () => {
  await expect(readPriceList(join(folder, 'none.json'))).rejects.toThrow(/PRICES_FILE/)
  const file = join(folder, 'bad.json')
  await writeFile(file, 'not json')
  await expect(readPriceList(file)).rejects.toThrow(/bad\.json is not usable/)
})

test.each([[{ rentCarrier: 15 }], [{ rentCarrier: '-1' }], [{ rent: '15.00' }], [[]]])(
  '%j is no price list',
  (given) => {
    expect(() => priceListFrom(given)).toThrow()
  },
)
