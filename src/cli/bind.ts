import { randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { addBulk } from './bind-many.ts'
import { addTermOptions, type TermOptions, termsOf, withoutUndefined } from './bind-terms.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Binding = {
  id: string
  poolKey: string
  product?: string
  x: string
  extension?: string
  groupId?: string
  phoneA: string
  phoneB?: string
  expiresAt: string
  status: string
}

type AddOptions = ApiOptions &
  TermOptions & {
    pool: string
    a: string
    product?: string
    x?: string
    extension?: string
    city?: string
    key?: string
  }

type UpdateOptions = ApiOptions & TermOptions & { clear?: string[] }

type ListOptions = ApiOptions & {
  pool?: string
  x?: string
  product?: string
  phone?: string
  asA?: boolean
  outId?: string
  group?: string
  extension?: string
  status?: string
  order?: string
  limit: number
  cursor?: string
}

const products = ['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG']

export function addBindCommand(program: Command, deps: CliDeps): void {
  const bind = program
    .command('bind')
    .description('Make, change, end and look at bindings, through the HTTP API.')
    .addHelpText(
      'after',
      `
The token comes from AXBRIDGE_TOKEN, or AXBRIDGE_ADMIN_TOKEN where the server is.

Example:
  axbridge bind add --pool FC100000000000001 --a 13800000001 --b 13900000002 --for 2h`,
    )
  addAdd(bind, deps)
  addUpdate(bind, deps)
  addRemove(bind, deps)
  addBulk(bind, deps)
  addList(bind, deps)
  addGet(bind, deps)
}

function addAdd(bind: Command, deps: CliDeps): void {
  const add = addApiOptions(bind.command('add'))
    .description('Bind A, and B where there is one, to an X number.')
    .requiredOption('--pool <key>', 'pool that X is taken from')
    .requiredOption('--a <number>', 'real number of A')
    .option('--b <number>', 'real number of B: AXB needs it, else whom A reaches by calling X')
    .addOption(new Option('--product <name>', 'what the pool must be of').choices(products))
    .option('--x <number>', 'this X instead of any free one')
    .option('--extension <digits>', 'AXN_EXTENSION, with --x: this one instead of any free one')
    .option('--city <name>', 'city that X should be from, instead of that of A')
  addTermOptions(add)
    .option('--key <text>', 'idempotency key: the same key never binds twice (default: random)')
    .addHelpText(
      'after',
      `
Examples:
  axbridge bind add --pool FC100000000000001 --a 13800000001 --b 13900000002 --for 2h --record
  axbridge bind add --pool FC100000000000002 --a 13800000001 --for 7d --city 杭州
  axbridge bind add --pool FC100000000000003 --a 13800000001 --for 7d --x 17000000001 --extension 123
  axbridge bind add --pool FC100000000000005 --a 13800000001 --for 7d --group 2000000000001`,
    )
    .action(async (options: AddOptions) => {
      const api = await createApiClient(options, deps)
      const body = bindRequestOf(options, Date.now())
      const key = options.key ?? randomUUID()
      const bound = await api.post<Binding>('/v1/bindings', body, { 'idempotency-key': key })
      deps.out(options.json === true ? `${JSON.stringify(bound)}\n` : boundText(bound))
    })
}

function bindRequestOf(options: AddOptions, nowMs: number): object {
  if ((options.for === undefined) === (options.until === undefined)) {
    throw new CliError('say how long the binding lives: either --for or --until')
  }
  const { pool: poolKey, product, x, extension, city: expectCity } = options
  return withoutUndefined({
    poolKey,
    product,
    x,
    extension,
    expectCity,
    ...termsOf(options, nowMs),
  })
}

function boundText({ id, product, x, extension, phoneA, phoneB, expiresAt }: Binding): string {
  const who =
    product === undefined || product === 'AXB'
      ? `${phoneA} and ${phoneB ?? ''} reach each other by dialling ${x}`
      : `${phoneA} is reached by dialling ${x}${extension === undefined ? '' : `, then ${extension}`}`
  return `Binding ${id}: ${who} until ${expiresAt}.\n`
}

const clearable = [
  ...['phoneB', 'recording', 'tones', 'ringSeconds', 'talkSeconds', 'callRestrict', 'outId'],
  ...['outOrderId', 'asr', 'asrModel', 'survey'],
]

function addUpdate(bind: Command, deps: CliDeps): void {
  const update = addApiOptions(bind.command('update'))
    .description('Change a live binding. What is not named stays.')
    .argument('<id>', 'id of the binding')
    .option('--a <number>', 'real number that takes the place of A')
    .option('--b <number>', 'real number that takes the place of B')
  addTermOptions(update)
    .addOption(
      new Option('--clear <fields...>', 'what is none, or as the pool says, from now on').choices(
        clearable,
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  axbridge bind update 1000000000000001 --for 2h
  axbridge bind update 1000000000000001 --b 13900000003 --clear callRestrict outId`,
    )
    .action(async (id: string, options: UpdateOptions) => {
      const cleared = (options.clear ?? []).map((field) => [field, null])
      const body = {
        ...withoutUndefined(termsOf(options, Date.now())),
        ...Object.fromEntries(cleared),
      }
      if (Object.keys(body).length === 0) throw new CliError('say what is to change')
      const api = await createApiClient(options, deps)
      const changed = await api.patch<Binding>(`/v1/bindings/${encodeURIComponent(id)}`, body)
      deps.out(options.json === true ? `${JSON.stringify(changed)}\n` : boundText(changed))
    })
}

function addRemove(bind: Command, deps: CliDeps): void {
  addApiOptions(bind.command('remove'))
    .alias('unbind')
    .description('End a binding now. A call that is up goes on.')
    .argument('<id>', 'id of the binding')
    .addHelpText('after', '\nExample:\n  axbridge bind remove 1000000000000001')
    .action(async (id: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      await api.delete(`/v1/bindings/${encodeURIComponent(id)}`)
      deps.out(options.json === true ? `${JSON.stringify({ id })}\n` : `Binding ${id} is over.\n`)
    })
}

function addList(bind: Command, deps: CliDeps): void {
  addApiOptions(bind.command('list'))
    .description('Bindings, newest first.')
    .option('--pool <key>', 'only of this pool')
    .option('--x <number>', 'only on this X')
    .addOption(new Option('--product <name>', 'only of this product').choices(products))
    .option('--phone <number>', 'only of this real number, as A or B')
    .option('--as-a', 'with --phone: only where it is A')
    .option('--out-id <text>', 'only with this id of yours')
    .option('--group <id>', 'only of this group')
    .option('--extension <digits>', 'only with this extension')
    .addOption(
      new Option('--status <status>', 'only these').choices(['live', 'expired', 'unbound']),
    )
    .addOption(
      new Option('--order <order>', 'expires: the live ones, the next to expire first').choices([
        'newest',
        'oldest',
        'expires',
      ]),
    )
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText(
      'after',
      `
Examples:
  axbridge bind list --pool FC100000000000001 --limit 20
  axbridge bind list --phone 13800000001 --status live`,
    )
    .action(async (options: ListOptions) => {
      const page = await pageOf(options, deps)
      deps.out(options.json === true ? `${JSON.stringify(page)}\n` : pageText(page))
    })
}

/** A real number is sent in a body: a URL is written to logs on the way. */
async function pageOf(options: ListOptions, deps: CliDeps): Promise<Page<Binding>> {
  const api = await createApiClient(options, deps)
  const { pool: poolKey, x, product, outId, group: groupId, extension, status, order } = options
  const { limit, cursor, phone } = options
  const filter = { poolKey, x, product, outId, groupId, extension, status, order }
  if (phone === undefined) {
    return api.get('/v1/bindings', { ...filter, limit: String(limit), cursor })
  }
  const role = options.asA === true ? 'A' : undefined
  const body = withoutUndefined({ phone, role, ...filter, limit, cursor })
  return api.post('/v1/bindings/search', body)
}

function pageText(page: Page<Binding>): string {
  const rows = page.items.map((each) => [
    each.id,
    each.product ?? '',
    each.x,
    each.extension ?? each.groupId ?? '',
    each.phoneA,
    each.phoneB ?? '',
    each.expiresAt,
    each.status,
  ])
  const header = ['ID', 'PRODUCT', 'X', 'EXT/GROUP', 'A', 'B', 'EXPIRES', 'STATUS']
  const more = page.nextCursor === undefined ? '' : `More: --cursor ${page.nextCursor}\n`
  return `${tableText(header, rows)}${more}`
}

function addGet(bind: Command, deps: CliDeps): void {
  addApiOptions(bind.command('get'))
    .description('One binding, as JSON.')
    .argument('<id>', 'id of the binding')
    .addHelpText('after', '\nExample:\n  axbridge bind get 1000000000000001')
    .action(async (id: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const binding = await api.get<Binding>(`/v1/bindings/${encodeURIComponent(id)}`)
      deps.out(`${JSON.stringify(binding, null, options.json === true ? 0 : 2)}\n`)
    })
}
