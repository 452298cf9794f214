import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Pool = {
  key: string
  name: string
  product: string
  assignmentMode: string
  smsMode: string
  numbers: number
  utilisation: number
}

type Alarm = {
  id: string
  poolKey: string
  percent: number
  threshold: number
  raisedAt: string
  clearedAt?: string
}

type SettingOptions = {
  assignment?: string
  callback?: string
  sms?: string
  tone?: Record<string, string>
  record?: boolean
  ringSeconds?: number
  talkSeconds?: number
  alarm?: number | 'none'
  coolingDays?: number
  controlUrl?: string
}

const products = ['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG', 'X_MODE']
const moments = ['a', 'alone', 'peer', 'aPickup', 'peerPickup']

export function addPoolCommand(program: Command, deps: CliDeps): void {
  const pool = program
    .command('pool')
    .description('Pools of X numbers: make, change and look at them, through the HTTP API.')
    .addHelpText(
      'after',
      `
Example:
  axbridge pool add --name Couriers --product AXB
  axbridge pool set FC100000000000001 --alarm 80 --record`,
    )
  addAdd(pool, deps)
  addSet(pool, deps)
  addList(pool, deps)
  addGet(pool, deps)
  addProducts(pool, deps)
  addAlarms(pool, deps)
}

function addAdd(pool: Command, deps: CliDeps): void {
  addSettings(addApiOptions(pool.command('add')))
    .description('Add a pool. It cannot be removed.')
    .requiredOption('--name <text>', 'for people, at most 16 characters')
    .addOption(
      new Option('--product <product>', 'what its numbers do')
        .choices(products)
        .makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      '\nExample:\n  axbridge pool add --name Couriers --product AXN --callback last-caller',
    )
    .action(async (options: ApiOptions & SettingOptions & { name: string; product: string }) => {
      const api = await createApiClient(options, deps)
      const { name, product } = options
      const made = await api.post<Pool>('/v1/pools', { name, product, ...settingsOf(options) })
      tell(deps, options, made, `Pool ${made.key} is there, for ${made.product} numbers.`)
    })
}

function addSet(pool: Command, deps: CliDeps): void {
  addSettings(addApiOptions(pool.command('set')))
    .description('Change what a pool says, for the next call to any of its numbers.')
    .argument('<key>', 'key of the pool')
    .option('--name <text>', 'for people, at most 16 characters')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge pool set FC100000000000001 --no-record --alarm none',
    )
    .action(async (key: string, options: ApiOptions & SettingOptions & { name?: string }) => {
      const change = { ...settingsOf(options), ...compact({ name: options.name }) }
      if (Object.keys(change).length === 0) throw new CliError('say what is to be changed')
      const api = await createApiClient(options, deps)
      const changed = await api.patch<Pool>(pathOf(key), change)
      tell(deps, options, changed, `Pool ${changed.key} is changed, and calls go by it.`)
    })
}

function addSettings(command: Command): Command {
  return command
    .addOption(
      new Option('--assignment <mode>', 'which X a bind gets that names none').choices([
        'default',
        'strict',
        'smart',
      ]),
    )
    .addOption(
      new Option('--callback <mode>', 'where A is sent who calls X').choices([
        'default-b',
        'last-caller',
        'disabled',
      ]),
    )
    .addOption(
      new Option('--sms <mode>', 'what becomes of texts').choices(['off', 'intercept', 'smart']),
    )
    .option(
      '--tone <moment=code...>',
      `tones, in place of all that there were; moments: ${moments.join(', ')}`,
      parseTone,
    )
    .option('--record', 'record every call')
    .option('--no-record', 'record only where the binding says so')
    .option('--ring-seconds <n>', 'how long the callee rings', parseCount)
    .option('--talk-seconds <n>', 'longest call', parseCount)
    .option('--alarm <percent>', 'raise an alarm at this utilisation, or none', parseAlarm)
    .option('--cooling-days <n>', 'how long an X is kept from who was bound on it', parseDays)
    .option('--control-url <url>', 'X_MODE: who is asked what to do with a call')
}

function parseTone(text: string, before: Record<string, string> | undefined) {
  const [moment = '', code = ''] = text.split('=', 2)
  if (!moments.includes(moment) || code === '') {
    throw new InvalidArgumentError(`moment=code, such as peer=10000002; moments: ${moments}.`)
  }
  return { ...before, [moment]: code }
}

function parseAlarm(text: string): number | 'none' {
  return text === 'none' ? text : parseCount(text)
}

function parseDays(text: string): number {
  return text === '0' ? 0 : parseCount(text)
}

function settingsOf(options: SettingOptions): object {
  return compact({
    assignmentMode: options.assignment,
    callbackMode: options.callback,
    smsMode: options.sms,
    tones: options.tone,
    recording: options.record,
    ringSeconds: options.ringSeconds,
    talkSeconds: options.talkSeconds,
    alarmPercent: options.alarm === 'none' ? null : options.alarm,
    coolingDays: options.coolingDays,
    controlUrl: options.controlUrl,
  })
}

function compact(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

type ListOptions = ApiOptions & {
  product?: string
  search?: string
  limit: number
  cursor?: string
}

function addList(pool: Command, deps: CliDeps): void {
  addApiOptions(pool.command('list'))
    .description('Pools, newest first.')
    .addOption(new Option('--product <product>', 'only of this product').choices(products))
    .option('--search <text>', 'the key, or a part of the name')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge pool list --product AXB --search couriers')
    .action(async (options: ListOptions) => {
      const api = await createApiClient(options, deps)
      const { product, search, cursor } = options
      const query = { product, search, limit: String(options.limit), cursor }
      const page = await api.get<Page<Pool>>('/v1/pools', query)
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        ...[each.key, each.name, each.product, String(each.numbers)],
        ...[each.assignmentMode, each.smsMode, `${each.utilisation} %`],
      ])
      const head = ['KEY', 'NAME', 'PRODUCT', 'NUMBERS', 'ASSIGNMENT', 'SMS', 'UTILISATION']
      deps.out(tableText(head, rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addGet(pool: Command, deps: CliDeps): void {
  addApiOptions(pool.command('get'))
    .description('One pool, as JSON.')
    .argument('<key>', 'key of the pool')
    .addHelpText('after', '\nExample:\n  axbridge pool get FC100000000000001')
    .action(async (key: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const found = await api.get<Pool>(pathOf(key))
      deps.out(`${JSON.stringify(found, null, options.json === true ? 0 : 2)}\n`)
    })
}

function addProducts(pool: Command, deps: CliDeps): void {
  addApiOptions(pool.command('products'))
    .description('Products, and how many pools there are of each.')
    .addHelpText('after', '\nExample:\n  axbridge pool products')
    .action(async (options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const list = await api.get<{ items: { product: string; pools: number }[] }>('/v1/products')
      const rows = list.items.map(({ product, pools }) => [product, String(pools)])
      deps.out(
        options.json === true ? `${JSON.stringify(list)}\n` : tableText(['PRODUCT', 'POOLS'], rows),
      )
    })
}

function addAlarms(pool: Command, deps: CliDeps): void {
  addApiOptions(pool.command('alarms'))
    .description('Alarms of pools that are nearly used up, newest first.')
    .option('--pool <key>', 'only of this pool')
    .option('--open', 'only those that are not over')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge pool alarms --open')
    .action(
      async (
        options: ApiOptions & { pool?: string; open?: boolean; limit: number; cursor?: string },
      ) => {
        const api = await createApiClient(options, deps)
        const page = await api.get<Page<Alarm>>('/v1/alarms', {
          kind: 'pool-utilisation',
          poolKey: options.pool,
          open: options.open === true ? 'true' : undefined,
          limit: String(options.limit),
          cursor: options.cursor,
        })
        if (options.json === true) {
          deps.out(`${JSON.stringify(page)}\n`)
          return
        }
        const rows = page.items.map((each) => [
          ...[each.id, each.poolKey, `${each.percent} %`, `${each.threshold} %`],
          ...[each.raisedAt, each.clearedAt ?? ''],
        ])
        deps.out(tableText(['ID', 'POOL', 'USED', 'THRESHOLD', 'RAISED', 'CLEARED'], rows))
        if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
      },
    )
}

function pathOf(key: string): string {
  return `/v1/pools/${encodeURIComponent(key)}`
}

function tell(deps: CliDeps, options: ApiOptions, answer: object, line: string): void {
  deps.out(options.json === true ? `${JSON.stringify(answer)}\n` : `${line}\n`)
}
