import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { Value } from 'typebox/value'
import type { Fault } from './problem.ts'

/** Enough to name every fault of an honest request, few enough that a hostile one costs little. */
const faultsMax = 50

/** As TypeBox gives them; AJV's are of the same shape. */
type SchemaError = {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
}

/**
 * Bodies are taken as they are: `"5"` is not 5. Query, path and headers are text by nature, so they
 * are converted to what the schema says. Unknown fields are refused by the schemas, never dropped.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  Settings.Set({ maxErrors: faultsMax })
  const check = Compile(schema)
  return (given: unknown) => {
    const value = httpPart === 'body' ? given : Value.Convert(schema, given)
    if (check.Check(value)) return { value }
    return { error: check.Errors(value) as never }
  }
}

/** What a schema found wrong, in words that say what to do. Values are never repeated: they can be numbers. */
export function faultsOf(part: string, errors: readonly SchemaError[]): Fault[] {
  const nested = errors.filter((each) => each.keyword === 'anyOf').map((each) => each.instancePath)
  const faults = errors
    .filter((each) => each.keyword !== 'boolean')
    .filter((each) => each.keyword === 'anyOf' || !nested.includes(each.instancePath))
    .flatMap((each) => faultsOfOne(part, each))
  const seen = new Map(faults.map((each) => [`${each.pointer} ${each.detail}`, each]))
  return [...seen.values()].slice(0, faultsMax)
}

function faultsOfOne(part: string, error: SchemaError): Fault[] {
  const at = `${part}${maskDigits(error.instancePath.slice(0, 200))}`
  const { requiredProperties, additionalProperties } = error.params
  if (error.keyword === 'required' && Array.isArray(requiredProperties)) {
    return requiredProperties.map((name) => ({
      pointer: `${at}/${name}`,
      detail: 'is missing; it is required',
    }))
  }
  if (error.keyword === 'additionalProperties' && Array.isArray(additionalProperties)) {
    return additionalProperties.map((name) => ({
      pointer: `${at}/${printable(String(name))}`,
      detail: 'is not known here; remove it or correct its spelling',
    }))
  }
  return [{ pointer: at, detail: sentenceOf(error) }]
}

function sentenceOf({ keyword, params, message }: SchemaError): string {
  switch (keyword) {
    case 'type':
      return `must be of type ${String(params['type'])}`
    case 'enum':
      return `must be one of ${listOf(params['allowedValues'])}`
    case 'minimum':
      return `must be at least ${String(params['limit'])}`
    case 'maximum':
      return `must be at most ${String(params['limit'])}`
    case 'minLength':
      return `must have at least ${String(params['limit'])} characters`
    case 'maxLength':
      return `must have at most ${String(params['limit'])} characters`
    case 'format':
      return formatSentence(String(params['format']))
    case 'pattern':
      return `must match ${String(params['pattern'])}`
    default:
      return message ?? 'is not valid'
  }
}

function formatSentence(format: string): string {
  return format === 'date-time'
    ? 'must be a date and time with offset (RFC 3339), such as 2030-01-31T23:59:59+08:00'
    : `must be a valid ${format}`
}

function listOf(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : String(values)
}

/** A field name that a client made up, cut to what is safe to repeat. */
function printable(name: string): string {
  const clean = maskDigits(name.slice(0, 100)).replace(/[^\p{L}\p{N}_.*-]/gu, '?')
  return clean.length > 40 ? `${clean.slice(0, 40)}...` : clean
}

/** A name can hold a number just as a value can: no run of digits that could be one is repeated. */
function maskDigits(text: string): string {
  return text.replace(/\p{Nd}[\p{Nd} ().-]{3,}\p{Nd}/gu, '****')
}
