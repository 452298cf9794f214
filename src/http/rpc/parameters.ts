import { GatewayError } from './gateway-error.ts'

export type Pair = readonly [name: string, value: string]

/** Parameters of one request. Names are matched without case: one SDK upper-cases their first letter. */
export type Parameters = {
  /** Undefined: not sent, or sent empty. */
  get(name: string): string | undefined
  /** `Name.1.Sub=…`, `Name.2=…` as one SDK writes lists; empty: there is none. */
  list(name: string): readonly Readonly<Record<string, string>>[]
}

const pairsMax = 2_000

/** `application/x-www-form-urlencoded`, as queries are and bodies can be. */
export function pairsIn(encoded: string): readonly Pair[] {
  return encoded === '' ? [] : [...new URLSearchParams(encoded)]
}

/** From the query and, for a form, the body. A name that comes twice is refused: which one was signed? */
export function readParameters(pairs: readonly Pair[]): Parameters {
  if (pairs.length > pairsMax) {
    throw new GatewayError(400, 'InvalidParameter', `More than ${pairsMax} parameters were sent.`)
  }
  const byName = new Map<string, string>()
  for (const [name, value] of pairs) {
    const key = name.toLowerCase()
    if (byName.has(key)) {
      throw new GatewayError(400, 'InvalidParameter', 'A parameter was sent twice.')
    }
    byName.set(key, value)
  }
  return {
    get(name) {
      const value = byName.get(name.toLowerCase())
      return value === '' ? undefined : value
    },
    list: (name) => listOf(byName, name.toLowerCase()),
  }
}

const placePattern = /^([1-9]\d{0,3})(?:\.(\w+))?$/

function listOf(
  byName: ReadonlyMap<string, string>,
  name: string,
): readonly Readonly<Record<string, string>>[] {
  const items = new Map<number, Record<string, string>>()
  for (const [key, value] of byName) {
    if (!key.startsWith(`${name}.`)) continue
    const place = placePattern.exec(key.slice(name.length + 1))
    if (place?.[1] === undefined) continue
    const at = Number(place[1])
    const item = items.get(at) ?? {}
    item[place[2] ?? ''] = value
    items.set(at, item)
  }
  return [...items].sort(([a], [b]) => a - b).map(([, item]) => item)
}
