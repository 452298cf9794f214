import { type Command, InvalidArgumentError } from 'commander'
import { scopes } from '../domain/scope.ts'
import { type ApiOptions, addApiOptions } from './api-client.ts'

/** What `axbridge token` and `axbridge key` have in common. */
export type GrantOptions = ApiOptions & { account?: string }

export type NewGrantOptions = GrantOptions & {
  name: string
  scopes: string[]
  from?: string[]
}

/** The query that says whose it is. */
export const ofAccount = (options: GrantOptions) =>
  options.account === undefined ? '' : `?accountId=${encodeURIComponent(options.account)}`

export function addGrantOptions(command: Command): Command {
  return addApiOptions(command).option(
    '--account <id>',
    'of this account; only for the operator (default: the account of the token in use)',
  )
}

export function addNewGrantOptions(command: Command): Command {
  return addGrantOptions(command)
    .requiredOption('--name <text>', 'what it is for')
    .requiredOption('--scopes <list>', `comma list of ${scopes.join(', ')}; or all`, parseScopes)
    .option('--from <list>', 'addresses and CIDR blocks that it may be used from', parseList)
}

function parseScopes(text: string): string[] {
  if (text === 'all') return [...scopes]
  const list = parseList(text)
  const known: readonly string[] = scopes
  if (list.length > 0 && list.every((each) => known.includes(each))) return list
  throw new InvalidArgumentError(`Scopes are ${scopes.join(', ')}; or all.`)
}

function parseList(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
