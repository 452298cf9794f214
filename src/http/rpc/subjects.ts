import { parseBindingId, parseGroupId, parsePoolKey } from '../../domain/ids.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import type { Members } from './answer.ts'
import type { Parameters } from './parameters.ts'

/** Bulks name their first ones. */
const subjectsMax = 64

/** Ids in a request, for the audit log. What was typed in the place of an id and is none is left out. */
export function subjectsAsked(parameters: Parameters): readonly string[] {
  const ids: readonly (string | undefined)[] = [
    parsePoolKey(parameters.get('PoolKey') ?? ''),
    parseBindingId(parameters.get('SubsId') ?? ''),
    parseGroupId(parameters.get('GroupId') ?? ''),
  ]
  return ids.filter((id): id is string => id !== undefined && id.length >= shortestId)
}

/** Ours are longer; what is shorter could be anything. */
const shortestId = 13

/** Ids that an answer gives, and the X of a request that went well, which is one of ours. */
export function subjectsAnswered(
  parameters: Parameters,
  members: Members,
  parser: NumberParser,
): readonly string[] {
  const found: string[] = []
  collect(members, found, parser)
  const asked = parameters.get('PhoneNoX') ?? parameters.get('SecretNo')
  const x = asked === undefined ? undefined : parser.virtual(asked)
  return [...new Set(x === undefined ? found : [...found, x])].slice(0, subjectsMax)
}

function collect(value: unknown, found: string[], parser: NumberParser): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    const id = member === undefined || member === null ? '' : String(member)
    const x = name === 'SecretNo' ? parser.virtual(id) : undefined
    if (x !== undefined) found.push(x)
    else if ((name === 'SubsId' || name === 'GroupId') && id.length >= shortestId) found.push(id)
    else collect(member, found, parser)
  }
}
