import type { VirtualNumber } from '../domain/ids.ts'
import type { Cities } from './cities.ts'
import { nationwide } from './cities.ts'
import type { NumberClass } from './price-list.ts'
import type { Carrier, LineFault, StockLine } from './stock.ts'

type Column = 'number' | 'class' | 'city' | 'carrier'

/** How files call their columns, in small letters. */
const columnNames: Readonly<Record<string, Column>> = {
  number: 'number',
  x: 'number',
  号码: 'number',
  class: 'class',
  specid: 'class',
  类型: 'class',
  城市: 'city',
  city: 'city',
  归属地: 'city',
  carrier: 'carrier',
  vendor: 'carrier',
  运营商: 'carrier',
}

const carriers: Readonly<Record<string, Carrier>> = {
  '1': 1,
  mobile: 1,
  中国移动: 1,
  移动: 1,
  '2': 2,
  unicom: 2,
  中国联通: 2,
  联通: 2,
  '3': 3,
  telecom: 3,
  中国电信: 3,
  电信: 3,
}

export type ReadLine = (line: number, fields: readonly string[]) => StockLine | LineFault

/** The reader for lines under this header, or in words why there is none. */
export function lineReader(
  header: readonly string[],
  deps: {
    readonly cities: Pick<Cities, 'knownCity' | 'provinceOf'>
    readonly virtual: (text: string) => VirtualNumber | undefined
  },
): ReadLine | string {
  const columns = header.map((name) => columnNames[name.trim().toLowerCase()])
  const places = new Map(columns.map((column, at) => [column, at]))
  const missing = (['number', 'class', 'city'] as const).filter((column) => !places.has(column))
  if (missing.length > 0) {
    return `The first line names the columns: number, class, city and, if you like, carrier. Missing: ${missing.join(', ')}.`
  }
  return (line, fields) => {
    const field = (column: Column) => (fields[places.get(column) ?? -1] ?? '').trim()
    const written = field('number')
    const x = deps.virtual(written)
    if (x === undefined) {
      return { line, detail: 'number: not a phone number; write it national or as +86…' }
    }
    const class_ = classIn(field('class'), x)
    if (typeof class_ === 'string') return { line, detail: class_ }
    const city = cityIn(field('city'), class_, deps.cities)
    if (city.fault !== undefined) return { line, detail: city.fault }
    const carrier = carrierIn(field('carrier'))
    if (typeof carrier === 'string') return { line, detail: carrier }
    const province = deps.cities.provinceOf(city.name)
    return { line, x, class: class_, city: city.name, province, carrier }
  }
}

function classIn(text: string, x: VirtualNumber): NumberClass | string {
  if (text !== '1' && text !== '2' && text !== '3') {
    return 'class: 1 (virtual operator, 170/171), 2 (carrier) or 3 (nationwide, begins with 95)'
  }
  const nationwideNumber = isNationwide(x)
  if (nationwideNumber !== (text === '3')) {
    return nationwideNumber
      ? 'class: a number that begins with 95 is nationwide; write class 3'
      : 'class: only numbers that begin with 95 are class 3; write 1 or 2'
  }
  return Number(text) as NumberClass
}

function cityIn(
  text: string,
  class_: NumberClass,
  cities: Pick<Cities, 'knownCity'>,
): { name: string; fault?: undefined } | { fault: string } {
  if (class_ === 3) {
    if (text === '' || text === nationwide) return { name: nationwide }
    return { fault: `city: nationwide numbers have none; leave it empty or write ${nationwide}` }
  }
  const name = cities.knownCity(text)
  if (name !== undefined) return { name }
  return {
    fault:
      text === ''
        ? 'city: missing; every number that does not begin with 95 belongs to one'
        : 'city: not in the list of cities, see GET /v1/cities?all=true (Hainan has only 海口)',
  }
}

function carrierIn(text: string): Carrier | undefined | string {
  if (text === '') return undefined
  return (
    carriers[text.toLowerCase()] ??
    'carrier: 1 (China Mobile), 2 (China Unicom), 3 (China Telecom), or leave it empty'
  )
}

/** Ten digits that begin with 95 are a landline of Ningxia. */
export function isNationwide(x: VirtualNumber): boolean {
  return x.startsWith('+8695') && x.length !== '+86'.length + 10
}
