import type { Query } from '../platform/sql.ts'

/** Values by the names that a text gives its parameters. */
export type NamedValues = Readonly<Record<string, unknown>>

export type NamedQuery = (values: NamedValues) => Query

const parameter = /(?<!:):([a-zA-Z]\w*)/g

/**
 * For statements with more parameters than one can number: `:name` in the text. One name may stand
 * in several places, and what the text does not use is not sent.
 */
export function namedQuery(name: string, text: string): NamedQuery {
  const names: string[] = []
  const numbered = text.replace(parameter, (_, each: string) => {
    const known = names.indexOf(each)
    return `$${known < 0 ? names.push(each) : known + 1}`
  })
  return (values) => ({ name, text: numbered, values: names.map((each) => values[each]) })
}
