import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { invalid, missing } from './gateway-error.ts'
import type { Parameters } from './parameters.ts'

/**
 * An action's parameters, by their names on the wire. All arrive as text: `Type.Boolean`,
 * `Type.Integer`, `Type.String`; a `Type.Array` of objects as a JSON text or as `Name.1.Sub`.
 * The description of a schema says what is right, and is told to whoever got it wrong.
 */
export type ActionSchema = TObject

/** Throws `Missing…` for the first that is not there, then `Invalid…` for the first that is wrong. */
export function readAs<Schema extends ActionSchema>(
  schema: Schema,
  parameters: Parameters,
): Static<Schema> {
  const names = Object.keys(schema.properties)
  const raw = new Map<string, unknown>()
  for (const name of names) {
    const property = schema.properties[name]
    const value =
      property !== undefined && Type.IsArray(property)
        ? listText(parameters, name)
        : parameters.get(name)
    if (value !== undefined) raw.set(name, value)
    else if (schema.required?.includes(name) === true) throw missing(name)
  }
  const read: Record<string, unknown> = {}
  for (const [name, value] of raw) {
    const property = schema.properties[name]
    if (property !== undefined) read[name] = readValue(name, property, value)
  }
  return read as Static<Schema>
}

function listText(parameters: Parameters, name: string): unknown {
  const text = parameters.get(name)
  if (text === undefined) {
    const list = parameters.list(name)
    return list.length === 0 ? undefined : list
  }
  const read = parsedJson(text)
  if (read === undefined) throw invalid(name, 'it must be a JSON array.')
  return read
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readValue(name: string, property: TSchema, raw: unknown): unknown {
  const value = converted(property, raw)
  if (Value.Check(property, value)) return value
  throw invalid(name, descriptionOf(property))
}

function converted(property: TSchema, raw: unknown): unknown {
  if (Type.IsBoolean(property)) {
    const text = String(raw).toLowerCase()
    return text === 'true' ? true : text === 'false' ? false : raw
  }
  if (Type.IsInteger(property)) {
    return typeof raw === 'string' && /^-?\d{1,16}$/.test(raw) ? Number(raw) : raw
  }
  if (Type.IsArray(property) && Array.isArray(raw)) {
    return raw.map((item) => convertedItem(property.items as TSchema, item))
  }
  return raw
}

/** Names without case, as everywhere; what the schema does not name is left out. */
function convertedItem(schema: TSchema, item: unknown): unknown {
  if (!Type.IsObject(schema) || typeof item !== 'object' || item === null) return item
  const given = new Map(
    Object.entries(item).map(([name, value]) => [name.toLowerCase(), value as unknown]),
  )
  const out: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties as Record<string, TSchema>)) {
    const value = given.get(name.toLowerCase())
    if (value === undefined || value === null || value === '') continue
    const isText = Type.IsString(property) && typeof value === 'number'
    out[name] = isText ? String(value) : converted(property, value)
  }
  return out
}

function descriptionOf(schema: TSchema): string {
  const { description } = schema as { description?: string }
  return description ?? 'see the documentation of the action.'
}
