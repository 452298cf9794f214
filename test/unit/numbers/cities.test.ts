import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { createCities } from '../../../src/numbers/cities.ts'
import { readBlocks } from '../../../src/numbers/number-blocks.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'axb-cities-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const cities = createCities()
const cityOf = (e164: string) => cities.cityOf(PhoneNumber.fromE164(e164) as PhoneNumber)

describe('the list of cities', () => {
  test('has every province of the numbering plan, each name once', () => {
    const names = cities.list.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThan(330)
    expect(new Set(cities.list.map(({ province }) => province)).size).toBe(31)
    expect(names).toEqual(expect.arrayContaining(['北京', '杭州', '延边', '大兴安岭', '仙桃']))
  })

  test('has only Haikou in Hainan', () => {
    const ofHainan = cities.list.filter(({ province }) => province === '海南')
    expect(ofHainan.map(({ name }) => name)).toEqual(['海口'])
    expect(cities.knownCity('三亚')).toBeUndefined()
  })

  test.each([
    ['杭州', '杭州'],
    ['杭州市', '杭州'],
    [' 浙江省杭州市 ', '杭州'],
    ['浙江杭州', '杭州'],
    ['北京市', '北京'],
    ['延边朝鲜族自治州', '延边'],
    ['内蒙古锡林郭勒盟', '锡林郭勒'],
    ['广西壮族自治区南宁市', '南宁'],
    ['襄樊', '襄阳'],
    ['海南', undefined],
    ['浙江', undefined],
    ['全国通用', undefined],
    ['Hangzhou', undefined],
    ['', undefined],
    ['constructor', undefined],
  ])('%s is %s', (written, name) => {
    expect(cities.knownCity(written)).toBe(name)
  })

  test.each([
    ['宁波', '杭州', '浙江'],
    ['杭州', '杭州', '浙江'],
    ['重庆', '重庆', '重庆'],
    ['吉林', '长春', '吉林'],
    ['石河子', '乌鲁木齐', '新疆'],
    ['海口', '海口', '海南'],
  ])('the capital above %s is %s in %s', (city, capital, province) => {
    expect(cities.capitalOf(city)).toBe(capital)
    expect(cities.provinceOf(city)).toBe(province)
  })

  test('a name that is not listed has no capital', () => {
    expect(cities.capitalOf('三亚')).toBeUndefined()
    expect(cities.provinceOf('三亚')).toBeUndefined()
  })
})

describe('the home city of a number', () => {
  test.each([
    ['mobile', '+8613800000001', '北京'],
    ['mobile whose block is told by seven digits', '+8613957123456', '杭州'],
    ['landline', '+8657188992688', '杭州'],
    ['landline of Beijing', '+861088992688', '北京'],
    ['landline of an area code that cities share', '+862888992688', '成都'],
    ['landline of Ningxia, which begins like a service number', '+869518888888', '银川'],
    ['landline of Hainan', '+8689888992688', '海口'],
    ['landline of a city with another name by now', '+867103888888', '襄阳'],
  ])('%s', (_what, e164, city) => {
    expect(cityOf(e164)).toBe(city)
  })

  test.each([
    ['service number', '+8695013123456'],
    ['short service number', '+8695138'],
    ['block that the data does not know', '+8619912345678'],
    ['number abroad', '+12125551234'],
    ['number abroad that begins with digits of ours', '+8521380000000'],
  ])('%s: unknown', (_what, e164) => {
    expect(cityOf(e164)).toBeUndefined()
  })

  test('is always one of the list', () => {
    const names = new Set(cities.list.map(({ name }) => name))
    for (let block = 1_300_000; block < 1_900_000; block += 1_009) {
      const city = cityOf(`+86${block}1234`)
      if (city !== undefined) expect(names).toContain(city)
    }
  })
})

describe('blocks of our own', () => {
  const phone = (e164: string) => PhoneNumber.fromE164(e164) as PhoneNumber

  test('say where numbers are at home that the data does not know, the longest first', async () => {
    const file = join(folder, 'blocks.csv')
    await writeFile(file, '\ufeff# newer blocks\r\n1991234,杭州市\r\n199 , 北京\n\n0571,宁波\n')
    const own = createCities(await readBlocks(file))
    expect(own.cityOf(phone('+8619912345678'))).toBe('杭州')
    expect(own.cityOf(phone('+8619999999999'))).toBe('北京')
    expect(own.cityOf(phone('+8657188992688'))).toBe('宁波')
    expect(own.cityOf(phone('+8613800000001'))).toBe('北京')
  })

  test.each(['1991234', '1991234;杭州', '1,杭州', 'abc,杭州', '1991234,'])(
    'are not made of %j',
    async (line) => {
      const file = join(folder, 'bad.csv')
      await writeFile(file, `199,北京\n${line}\n`)
      await expect(readBlocks(file)).rejects.toThrow(/line 2/)
    },
  )

  test('are not made of an unknown city, and a missing file is named', async () => {
    expect(() => createCities([['199', '三亚']])).toThrow(/三亚/)
    await expect(readBlocks(join(folder, 'none'))).rejects.toThrow(/HOME_CITIES_FILE/)
    expect(await readBlocks(undefined)).toEqual([])
  })
})
