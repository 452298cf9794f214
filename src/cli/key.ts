import type { Command } from 'commander'
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

type Key = {
  id: string
  accountId: string
  name: string
  scopes: string[]
  enabled: boolean
  createdAt: string
  lastUsedAt?: string
  oldSecretUntil?: string
}
type NewKey = Key & { secret: string }

export function addKeyCommand(program: Command, deps: CliDeps): void {
  const key = program
    .command('key')
    .description('Make, rotate and delete access key pairs for signed requests.')
    .addHelpText(
      'after',
      `
Example:
  axbridge key add --account city-couriers --name orders --scopes read,bind`,
    )
  addAdd(key, deps)
  addList(key, deps)
  addRotate(key, deps)
  addState(key, deps, 'disable', 'Refuse an access key until it is enabled again.')
  addState(key, deps, 'enable', 'Let a disabled access key in again.')
  addDelete(key, deps)
}

function addAdd(key: Command, deps: CliDeps): void {
  addNewGrantOptions(key.command('add'))
    .description('Make an access key pair. Its secret is printed this once.')
    .addHelpText('after', '\nExample:\n  axbridge key add --name orders --scopes read,bind')
    .action(async (options: NewGrantOptions) => {
      const api = await createApiClient(options, deps)
      const made = await api.post<NewKey>('/v1/access-keys', {
        name: options.name,
        scopes: options.scopes,
        ...(options.account !== undefined && { accountId: options.account }),
        ...(options.from !== undefined && { addresses: options.from }),
      })
      tellSecret(deps, options, made)
    })
}

function addList(key: Command, deps: CliDeps): void {
  addGrantOptions(key.command('list'))
    .description('Access keys.')
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge key list')
    .action(async (options: GrantOptions & { cursor?: string }) => {
      const api = await createApiClient(options, deps)
      const { account: accountId, cursor } = options
      const page = await api.get<Page<Key>>('/v1/access-keys', { accountId, limit: '200', cursor })
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        ...[each.id, each.name, each.scopes.join(','), each.enabled ? 'enabled' : 'disabled'],
        ...[each.createdAt, each.lastUsedAt ?? 'never'],
      ])
      deps.out(tableText(['ID', 'NAME', 'SCOPES', 'STATE', 'CREATED', 'LAST USED'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addRotate(key: Command, deps: CliDeps): void {
  addGrantOptions(key.command('rotate'))
    .description('Give an access key a new secret, printed this once.')
    .argument('<id>', 'id of the key')
    .option('--keep <duration>', 'how long the old secret stays good: 30m, 2h, 7d', parseDuration)
    .addHelpText('after', '\nExample:\n  axbridge key rotate AKx7Qm2LdPq9sEfGiBoV4tYx --keep 2h')
    .action(async (id: string, options: GrantOptions & { keep?: number }) => {
      const api = await createApiClient(options, deps)
      const path = `/v1/access-keys/${encodeURIComponent(id)}/rotate${ofAccount(options)}`
      tellSecret(deps, options, await api.post<NewKey>(path, { keepSeconds: options.keep ?? 0 }))
    })
}

function addState(
  key: Command,
  deps: CliDeps,
  verb: 'disable' | 'enable',
  description: string,
): void {
  addGrantOptions(key.command(verb))
    .description(description)
    .argument('<id>', 'id of the key')
    .addHelpText('after', `\nExample:\n  axbridge key ${verb} AKx7Qm2LdPq9sEfGiBoV4tYx`)
    .action(async (id: string, options: GrantOptions) => {
      const api = await createApiClient(options, deps)
      const path = `/v1/access-keys/${encodeURIComponent(id)}/${verb}${ofAccount(options)}`
      const changed = await api.post<Key>(path)
      const state = changed.enabled ? 'enabled' : 'disabled'
      deps.out(options.json === true ? `${JSON.stringify(changed)}\n` : `Key ${id} is ${state}.\n`)
    })
}

function addDelete(key: Command, deps: CliDeps): void {
  addGrantOptions(key.command('delete'))
    .description('Delete an access key, for good.')
    .argument('<id>', 'id of the key')
    .addHelpText('after', '\nExample:\n  axbridge key delete AKx7Qm2LdPq9sEfGiBoV4tYx')
    .action(async (id: string, options: GrantOptions) => {
      const api = await createApiClient(options, deps)
      await api.delete(`/v1/access-keys/${encodeURIComponent(id)}${ofAccount(options)}`)
      deps.out(options.json === true ? `${JSON.stringify({ id })}\n` : `Key ${id} is gone.\n`)
    })
}

function tellSecret(deps: CliDeps, options: GrantOptions, key: NewKey): void {
  const until =
    key.oldSecretUntil === undefined ? '' : ` The old one is good until ${key.oldSecretUntil}.`
  deps.out(
    options.json === true
      ? `${JSON.stringify(key)}\n`
      : `AccessKeyId ${key.id}\nAccessKeySecret ${key.secret}\nThe secret cannot be shown again.${until}\n`,
  )
}
