import type { TSchema } from 'typebox'
import { type MessageType, receiptSchema } from './receipt-types.ts'

/** A receipt with the examples of its fields. */
export function exampleOf(type: MessageType): object {
  return exampleOfSchema(receiptSchema(type)) as object
}

type Described = {
  readonly properties?: Readonly<Record<string, TSchema>>
  readonly items?: TSchema
  readonly examples?: readonly unknown[]
}

function exampleOfSchema(schema: TSchema): unknown {
  const { properties, items, examples } = schema as Described
  if (properties !== undefined) {
    const fields = Object.entries(properties)
    return Object.fromEntries(fields.map(([name, field]) => [name, exampleOfSchema(field)]))
  }
  return items === undefined ? examples?.[0] : [exampleOfSchema(items)]
}
