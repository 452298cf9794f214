import { type Command, InvalidArgumentError } from 'commander'
import { createApiClient, type Page } from './api-client.ts'
import type { CliDeps } from './deps.ts'
import { parseDuration } from './duration.ts'
import {
  addGrantOptions,
  addNewGrantOptions,
  type GrantOptions,
  type NewGrantOptions,
  ofAccount,
} from './grants.ts'
import { tableText } from './table.ts'

type Token = {
  id: string
  accountId: string
  name: string
  scopes: string[]
  status: string
  expiresAt?: string
  lastUsedAt?: string
}

export function addTokenCommand(program: Command, deps: CliDeps): void {
  const token = program
    .command('token')
    .description('Make, look at and revoke bearer tokens, through the HTTP API.')
    .addHelpText(
      'after',
      `
Example:
  axbridge token add --account city-couriers --name orders --scopes read,bind`,
    )
  addAdd(token, deps)
  addList(token, deps)
  addRevoke(token, deps)
}

type AddOptions = NewGrantOptions & { for?: number; perMinute?: number }

function addAdd(token: Command, deps: CliDeps): void {
  addNewGrantOptions(token.command('add'))
    .description('Make a token. It is printed this once and kept nowhere.')
    .option('--for <duration>', 'how long it is good: 90s, 30m, 2h, 365d', parseDuration)
    .option('--per-minute <n>', 'requests per minute', parseLimit)
    .addHelpText(
      'after',
      '\nExample:\n  axbridge token add --name orders --scopes read,bind --for 365d --from 203.0.113.0/28',
    )
    .action(async (options: AddOptions) => {
      const api = await createApiClient(options, deps)
      const seconds = options.for
      const made = await api.post<Token & { token: string }>('/v1/tokens', {
        name: options.name,
        scopes: options.scopes,
        ...(options.account !== undefined && { accountId: options.account }),
        ...(options.from !== undefined && { addresses: options.from }),
        ...(options.perMinute !== undefined && { requestsPerMinute: options.perMinute }),
        ...(seconds !== undefined && { expiresAt: timeIn(seconds) }),
      })
      deps.out(
        options.json === true
          ? `${JSON.stringify(made)}\n`
          : `${made.token}\nToken ${made.id} of ${made.accountId} may ${made.scopes.join(', ')}. It cannot be shown again.\n`,
      )
    })
}

function addList(token: Command, deps: CliDeps): void {
  addGrantOptions(token.command('list'))
    .description('Tokens, also those that are no longer good.')
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge token list --account city-couriers')
    .action(async (options: GrantOptions & { cursor?: string }) => {
      const api = await createApiClient(options, deps)
      const { account: accountId, cursor } = options
      const page = await api.get<Page<Token>>('/v1/tokens', { accountId, limit: '200', cursor })
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        ...[each.id, each.name, each.scopes.join(','), each.status],
        ...[each.expiresAt ?? 'never', each.lastUsedAt ?? 'never'],
      ])
      deps.out(tableText(['ID', 'NAME', 'SCOPES', 'STATUS', 'EXPIRES', 'LAST USED'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addRevoke(token: Command, deps: CliDeps): void {
  addGrantOptions(token.command('revoke'))
    .description('Revoke a token, for good.')
    .argument('<id>', 'id of the token, such as tok-kzqwhbvxmtraplce')
    .addHelpText('after', '\nExample:\n  axbridge token revoke tok-kzqwhbvxmtraplce')
    .action(async (id: string, options: GrantOptions) => {
      const api = await createApiClient(options, deps)
      await api.delete(`/v1/tokens/${encodeURIComponent(id)}${ofAccount(options)}`)
      deps.out(options.json === true ? `${JSON.stringify({ id })}\n` : `Token ${id} is revoked.\n`)
    })
}

function timeIn(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+/, '')
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d{1,7}$/.test(text) || limit < 1 || limit > 1_000_000) {
    throw new InvalidArgumentError('A whole number from 1 to a million.')
  }
  return limit
}
