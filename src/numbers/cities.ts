import type { PhoneNumber } from '../domain/phone-number.ts'
import { listCities } from './city-list.ts'
import { createHomePlaces, type HomePlaces } from './home-places.ts'
import type { Blocks } from './number-blocks.ts'

export type City = {
  /** As it is listed, and as numbers and stock carry it: `杭州`, `延边`. */
  readonly name: string
  /** `浙江`, `内蒙古`. */
  readonly province: string
}

/** What numbers starting 95 have in place of a city. */
export const nationwide = '全国通用'

export type Cities = {
  readonly list: readonly City[]
  /** The listed name for any usual way to write it: `杭州`, `杭州市`, `浙江省杭州市`. Undefined: not a city of the list. */
  knownCity(name: string): string | undefined
  provinceOf(city: string): string | undefined
  /** Capital of the province in which the city lies; itself, when it is the capital or a municipality. */
  capitalOf(city: string): string | undefined
  /** Where the number was given out. Undefined: abroad, a service number, or a block that the data does not know. */
  cityOf(number: PhoneNumber): string | undefined
  /** Reads the table behind `cityOf` now rather than with its first use: a fifth of a second. */
  warm(): void
}

/**
 * Loads the list of cities; a few milliseconds. `blocks`: beginnings of numbers, as dialled inside
 * the country without a leading 0, with their cities, where our data is too old. Throws for a city
 * that is not in the list.
 */
export function createCities(blocks: Blocks = []): Cities {
  const { cities, capitals } = listCities()
  const list = cities.map(({ name, province }) => ({ name, province: province.short }))
  const provinces = new Map(list.map(({ name, province }) => [name, province]))
  const byName = new Map<string, string>()
  for (const { name, fullName, province } of cities) {
    for (const written of [name, fullName]) {
      byName.set(written, name)
      byName.set(province.short + written, name)
      byName.set(province.full + written, name)
    }
  }
  for (const [old, now] of Object.entries(formerNames)) byName.set(old, now)
  const knownCity = (name: string) => byName.get(name.normalize('NFKC').trim())

  const own = ownPlaces(blocks, knownCity)
  let places: HomePlaces | undefined
  const homePlaces = () => {
    places ??= createHomePlaces((text) => cityIn(text, knownCity), own)
    return places
  }

  return {
    list,
    knownCity,
    provinceOf: (city) => provinces.get(city),
    capitalOf(city) {
      const province = provinces.get(city)
      return province === undefined ? undefined : capitals.get(province)
    },
    cityOf: (number) => homePlaces().placeOf(number),
    warm: () => void homePlaces(),
  }
}

function ownPlaces(
  blocks: Blocks,
  knownCity: (name: string) => string | undefined,
): ReadonlyMap<string, string> {
  return new Map(
    blocks.map(([beginning, written]) => {
      const city = knownCity(written)
      if (city === undefined) throw new Error(`${written} is not in the list of cities`)
      return [beginning, city]
    }),
  )
}

/** Cities that were renamed or went into another; the data on blocks of numbers still has them. */
const formerNames: Readonly<Record<string, string>> = {
  山东省莱芜市: '济南',
  安徽省巢湖市: '合肥',
  湖北省襄樊市: '襄阳',
  襄樊: '襄阳',
  西藏索县: '那曲',
}

/** `四川省成都市、资阳市、眉山市`: cities that share an area code; the first is the largest. */
function cityIn(
  place: string,
  knownCity: (name: string) => string | undefined,
): string | undefined {
  return knownCity(place.split('、')[0] ?? '')
}
