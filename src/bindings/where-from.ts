import { DomainError } from '../domain/errors.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import type { BindableProduct } from './bindable.ts'
import type { BindCommand } from './binding.ts'

/** The list of cities, as far as allocation needs it. */
export type Cities = {
  /** The listed name for any usual way to write it. Undefined: not in the list. */
  knownCity(name: string): string | undefined
  /** Capital of the province of a listed city. */
  capitalOf(city: string): string | undefined
  /** Where the number was given out, a listed name. */
  cityOf(number: PhoneNumber): string | undefined
}

/** Where an X should be from, both undefined when anywhere. */
export type WhereFrom = { readonly city: string | undefined; readonly capital: string | undefined }

const anywhere: WhereFrom = { city: undefined, capital: undefined }
const nationwide = '全国通用'

/** The city that was asked for, else A's own. Numbers of the whole nation have none. */
export function whereFrom(
  command: Pick<BindCommand, 'a' | 'expectCity'>,
  product: BindableProduct,
  cities: Cities,
): WhereFrom {
  const { a, expectCity } = command
  if (product === '95AXN') {
    if (expectCity !== undefined && expectCity !== nationwide) throw cityOfNationwide()
    return anywhere
  }
  const city = expectCity === undefined ? cities.cityOf(a) : cities.knownCity(expectCity)
  if (city !== undefined) {
    const capital = cities.capitalOf(city)
    return { city, capital: capital === city ? undefined : capital }
  }
  if (expectCity !== undefined) throw cityUnknown()
  return anywhere
}

const cityUnknown = () =>
  new DomainError(
    'city-unknown',
    422,
    'The expected city is not in the list of cities. Use a name from the list, or leave it out: then it is the city of A.',
    { vendorCode: 'isv.ILLEGAL_ARGUMENT' },
  )

const cityOfNationwide = () =>
  new DomainError(
    'city-not-applicable',
    422,
    `Numbers of a 95AXN pool belong to no city. Leave the expected city out, or give ${nationwide}.`,
    { vendorCode: 'isv.ILLEGAL_ARGUMENT' },
  )
