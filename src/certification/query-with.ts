import type { Query } from '../platform/sql.ts'

/** A condition with `$` where its value goes. */
export type Condition = { readonly tag: string; readonly value: unknown; readonly text: string }

/** Only the conditions that are asked for are in the text, so that each combination has a plan of its own. */
export function queryWith(
  base: Query,
  conditions: readonly Condition[],
  { order }: { order: string },
): Query {
  const asked = conditions.filter(({ value }) => value !== undefined)
  const first = base.values.length
  const more = asked.map(
    ({ text }, at) => ` and ${text.replaceAll('$', () => `$${first + at + 1}`)}`,
  )
  return {
    name: [base.name, ...asked.map(({ tag }) => tag)].join('-'),
    text: `${base.text}${more.join('')} ${order}`,
    values: [...base.values, ...asked.map(({ value }) => value)],
  }
}
