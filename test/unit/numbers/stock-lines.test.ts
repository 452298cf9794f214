import { expect, test } from 'vitest'
import { beginningRange } from '../../../src/numbers/beginning.ts'
import { createCities } from '../../../src/numbers/cities.ts'
import { isNationwide, lineReader } from '../../../src/numbers/stock-lines.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'

const parser = createNumberParser({ country: 'CN' })
const deps = { cities: createCities(), virtual: (text: string) => parser.virtual(text) }
const x = (text: string) => parser.virtual(text) ?? ('' as never)

function read(header: string, line: string) {
  const reader = lineReader(header.split(','), deps)
  if (typeof reader === 'string') throw new Error(reader)
  return reader(7, line.split(','))
}

test.each([
  ['number,class,city', '17000000001,1,杭州'],
  ['号码,类型,归属地', '+8617000000001,1,浙江省杭州市'],
  ['City,CLASS,Number,vendor', '杭州市,1,17000000001,'],
  [' x , specid , 城市 ,运营商', ' 17000000001 , 1 , 杭州 '],
])('under %s the line %s is one number', (header, line) => {
  expect(read(header, line)).toEqual({
    line: 7,
    x: '+8617000000001',
    class: 1,
    city: '杭州',
    province: '浙江',
    carrier: undefined,
  })
})

test.each([
  ['1', 1],
  ['联通', 2],
  ['中国电信', 3],
  ['Mobile', 1],
  ['', undefined],
])('the carrier %j is %s', (written, carrier) => {
  const line = `17000000001,1,杭州,${written}`
  expect(read('number,class,city,carrier', line)).toMatchObject({ carrier })
})

test('columns that are missing are named', () => {
  expect(lineReader(['number', 'town'], deps)).toMatch(/Missing: class, city/)
})

test('nationwide numbers begin with 95 and are no landline of Ningxia', () => {
  expect(isNationwide(x('95013000001'))).toBe(true)
  expect(isNationwide(x('95138'))).toBe(true)
  expect(isNationwide(x('09518888888'))).toBe(false)
  expect(isNationwide(x('17000000001'))).toBe(false)
})

test('the range of a beginning holds exactly the numbers that begin so', () => {
  const within = (beginning: string, number: string) => {
    const [from, to] = beginningRange(beginning)
    return from <= number && number < to
  }
  expect(within('170', '+8617000000001')).toBe(true)
  expect(within('170', '+8617099999999')).toBe(true)
  expect(within('170', '+8617100000000')).toBe(false)
  expect(within('169', '+8617000000000')).toBe(false)
  expect(within('1709', '+8617099999999')).toBe(true)
  expect(within('17000000001', '+8617000000001')).toBe(true)
  expect(within('17000000001', '+8617000000002')).toBe(false)
})
