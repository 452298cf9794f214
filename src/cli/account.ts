import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import type { CliDeps } from './deps.ts'
import { tableText } from './table.ts'

type Account = {
  id: string
  name: string
  operator: boolean
  status: string
  createdAt: string
}

export function addAccountCommand(program: Command, deps: CliDeps): void {
  const account = program
    .command('account')
    .description('Make, look at and suspend accounts, through the HTTP API.')
    .addHelpText(
      'after',
      `
Needs the token of an operator.

Example:
  axbridge account add city-couriers --name "City Couriers"`,
    )
  addAdd(account, deps)
  addList(account, deps)
  addRename(account, deps)
  addState(account, deps, {
    verb: 'suspend',
    description: 'Refuse everything that the account asks for. Its bindings stay, calls go on.',
  })
  addState(account, deps, { verb: 'resume', description: 'Let a suspended account in again.' })
  addBalance(account, deps)
  addCredit(account, deps)
}

function addAdd(account: Command, deps: CliDeps): void {
  addApiOptions(account.command('add'))
    .description('Add an account. It can do nothing until it has a token.')
    .argument('<id>', 'lower-case letters, digits and hyphens')
    .requiredOption('--name <text>', 'for people')
    .addHelpText('after', '\nExample:\n  axbridge account add city-couriers --name "City Couriers"')
    .action(async (id: string, options: ApiOptions & { name: string }) => {
      const api = await createApiClient(options, deps)
      const made = await api.post<Account>('/v1/accounts', { id, name: options.name })
      tell(deps, options, made, `Account ${made.id} is there. Next: axbridge token add`)
    })
}

function addList(account: Command, deps: CliDeps): void {
  addApiOptions(account.command('list'))
    .description('Accounts and their state.')
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge account list')
    .action(async (options: ApiOptions & { cursor?: string }) => {
      const api = await createApiClient(options, deps)
      const { cursor } = options
      const page = await api.get<Page<Account>>('/v1/accounts', { limit: '200', cursor })
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map(({ id, name, status, operator, createdAt }) => [
        ...[id, name, status, operator ? 'yes' : 'no', createdAt],
      ])
      deps.out(tableText(['ID', 'NAME', 'STATUS', 'OPERATOR', 'CREATED'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addRename(account: Command, deps: CliDeps): void {
  addApiOptions(account.command('rename'))
    .description('Give an account another name. Its id stays.')
    .argument('<id>', 'id of the account')
    .requiredOption('--name <text>', 'for people')
    .addHelpText('after', '\nExample:\n  axbridge account rename city-couriers --name "City Ltd"')
    .action(async (id: string, options: ApiOptions & { name: string }) => {
      const api = await createApiClient(options, deps)
      const path = `/v1/accounts/${encodeURIComponent(id)}`
      const renamed = await api.patch<Account>(path, { name: options.name })
      tell(deps, options, renamed, `Account ${renamed.id} is called ${renamed.name}.`)
    })
}

function addState(
  account: Command,
  deps: CliDeps,
  { verb, description }: { verb: 'suspend' | 'resume'; description: string },
): void {
  addApiOptions(account.command(verb))
    .description(description)
    .argument('<id>', 'id of the account')
    .addHelpText('after', `\nExample:\n  axbridge account ${verb} city-couriers`)
    .action(async (id: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const path = `/v1/accounts/${encodeURIComponent(id)}/${verb}`
      const changed = await api.post<Account>(path)
      tell(deps, options, changed, `Account ${changed.id} is ${changed.status}.`)
    })
}

type Balance = { accountId: string; balance?: string }

function addBalance(account: Command, deps: CliDeps): void {
  addApiOptions(account.command('balance'))
    .description('What an account has to buy numbers with. Without an id: your own.')
    .argument('[id]', 'id of the account')
    .addHelpText('after', '\nExample:\n  axbridge account balance city-couriers')
    .action(async (id: string | undefined, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const answer = await api.get<Balance>('/v1/balance', { accountId: id })
      const has = answer.balance === undefined ? 'keeps no balance' : `has ${answer.balance} yuan`
      tell(deps, options, answer, `Account ${answer.accountId} ${has}.`)
    })
}

type Credit = ApiOptions & { amount: string; note: string; key?: string }

function addCredit(account: Command, deps: CliDeps): void {
  addApiOptions(account.command('credit'))
    .description("Put money on an account's balance; with a minus, take it off.")
    .argument('<id>', 'id of the account')
    .requiredOption('--amount <yuan>', 'such as 250.00 or -12.5')
    .requiredOption('--note <text>', 'for people')
    .option('--key <text>', 'idempotency key: the same key never counts twice (default: random)')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge account credit city-couriers --amount 250 --note "transfer 4711"',
    )
    .action(async (id: string, options: Credit) => {
      const api = await createApiClient(options, deps)
      const { amount, note } = options
      const path = `/v1/accounts/${encodeURIComponent(id)}/balance-changes`
      const headers = { 'idempotency-key': options.key ?? randomUUID() }
      const change = await api.post<Required<Balance>>(path, { amount, note }, headers)
      tell(deps, options, change, `Account ${id} has ${change.balance} yuan.`)
    })
}

function tell(deps: CliDeps, options: ApiOptions, answer: object, line: string): void {
  deps.out(options.json === true ? `${JSON.stringify(answer)}\n` : `${line}\n`)
}
