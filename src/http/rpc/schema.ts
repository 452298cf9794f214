import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { invalid, missing } from './gateway-error.ts'
import type { Parameters } from './parameters.ts'

/**
 * An action's parameters, by their names on the wire. All arrive as text: `Type.Boolean`,
 * `Type.Integer`, `Type.String`; a `Type.Array` of objects as a JSON text or as `Name.1.Sub`.
 * The description of a schema says what is right, and is told to whoever got it wrong.
 */
export type ActionSchema = TObject

type Field = {
  readonly name: string
  readonly property: TSchema
  readonly required: boolean
  isRight(value: unknown): boolean
}

/**
 * Reads what a request says. Throws `Missing…` for the first that is not there, then `Invalid…` for
 * the first that is wrong.
 */
export function createReader<Schema extends ActionSchema>(schema: Schema) {
  const properties: Record<string, TSchema> = schema.properties
  const fields = Object.entries(properties).map(([name, property]): Field => {
    const compiled = Compile(property)
    const required = schema.required?.includes(name) === true
    return { name, property, required, isRight: (value) => compiled.Check(value) }
  })

  return (parameters: Parameters): Static<Schema> => {
    const given = fields.map((field) => givenValue(field, parameters))
    const read: Record<string, unknown> = {}
    for (const [at, field] of fields.entries()) {
      if (given[at] !== undefined) read[field.name] = readValue(field, given[at])
    }
    return read as Static<Schema>
  }
}

function givenValue({ name, property, required }: Field, parameters: Parameters): unknown {
  const value = Type.IsArray(property) ? listText(parameters, name) : parameters.get(name)
  if (value === undefined && required) throw missing(name)
  return value
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

function readValue({ name, property, isRight }: Field, raw: unknown): unknown {
  const value = converted(property, raw)
  if (isRight(value)) return value
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
