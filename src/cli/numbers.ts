import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { addPurchaseCommands } from './buy-numbers.ts'
import { parseCount } from './count.ts'
import type { CliDeps } from './deps.ts'
import { tableText } from './table.ts'

type XNumber = {
  x: string
  poolKey: string
  product: string
  class: number
  city?: string
  state: string
  bindings: number
  moreBindings: number
  note?: string
}

type Totals = { numbers: number; bound: number; bindings: number; moreBindings: number }

type ListOptions = ApiOptions & {
  pool?: string
  product?: string
  city?: string
  state?: string
  beginning?: string
  limit: number
  cursor?: string
}

export function addNumbersCommand(program: Command, deps: CliDeps): void {
  const numbers = program
    .command('numbers')
    .description('X numbers: buy, look at, lock and release them.')
    .addHelpText(
      'after',
      `
Example:
  axbridge numbers cities --class 1
  axbridge numbers buy --product AXB --class 1 --city 杭州 --quantity 20`,
    )
  addPurchaseCommands(numbers, deps)
  addList(numbers, deps)
  addGet(numbers, deps)
  addNote(numbers, deps)
  for (const action of actions) addAction(numbers, deps, action)
  addRelease(numbers, deps)
}

function addList(numbers: Command, deps: CliDeps): void {
  addApiOptions(numbers.command('list'))
    .description('X numbers of the account, and how many there are.')
    .option('--pool <key>', 'only of this pool')
    .option('--product <product>', 'only of this product')
    .option('--city <name>', 'only of this city')
    .addOption(
      new Option('--state <state>', 'only in this state').choices([
        'normal',
        'locked',
        'frozen',
        'faulty',
      ]),
    )
    .option('--beginning <digits>', 'only those that begin so')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge numbers list --pool FC100000000000001')
    .action(async (options: ListOptions) => {
      const api = await createApiClient(options, deps)
      const { pool: poolKey, product, city, state, beginning, limit, cursor } = options
      const choice = { poolKey, product, city, state, beginning }
      const totals = await api.get<Totals>('/v1/numbers/totals', choice)
      const query = { ...choice, limit: String(limit), cursor }
      const page = await api.get<Page<XNumber>>('/v1/numbers', query)
      if (options.json === true) {
        deps.out(`${JSON.stringify({ totals, ...page })}\n`)
        return
      }
      deps.out(
        `${totals.numbers} numbers, ${totals.bound} of them bound; ${totals.moreBindings} more bindings fit.\n`,
      )
      const rows = page.items.map((each) => [
        each.x,
        each.product,
        String(each.class),
        each.city ?? '',
        each.state,
        `${each.bindings}/${each.bindings + each.moreBindings}`,
        each.note ?? '',
      ])
      deps.out(tableText(['X', 'PRODUCT', 'CLASS', 'CITY', 'STATE', 'BOUND', 'NOTE'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addGet(numbers: Command, deps: CliDeps): void {
  addApiOptions(numbers.command('get'))
    .description('One X number, as JSON.')
    .argument('<x>', 'the number')
    .addHelpText('after', '\nExample:\n  axbridge numbers get 17000000001')
    .action(async (x: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const number = await api.get<XNumber>(pathOf(x))
      deps.out(`${JSON.stringify(number, null, options.json === true ? 0 : 2)}\n`)
    })
}

function addNote(numbers: Command, deps: CliDeps): void {
  addApiOptions(numbers.command('note'))
    .description('Write a note on an X number; without text, remove it.')
    .argument('<x>', 'the number')
    .argument('[text]', 'at most 128 characters')
    .addHelpText('after', '\nExample:\n  axbridge numbers note 17000000001 spare')
    .action(async (x: string, text: string | undefined, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const number = await api.patch<XNumber>(pathOf(x), { note: text ?? null })
      deps.out(options.json === true ? `${JSON.stringify(number)}\n` : `${number.x}: noted.\n`)
    })
}

type Action = { readonly name: string; readonly description: string }

const actions: readonly Action[] = [
  { name: 'lock', description: 'No new binding on X; those it has go on.' },
  { name: 'unlock', description: 'X takes new bindings again.' },
  { name: 'freeze', description: 'X carries no call, its bindings stay. For the operator.' },
  { name: 'fault', description: 'X is out of order: it carries no call. For the operator.' },
  { name: 'resume', description: 'Frozen or faulty X is as before again. For the operator.' },
]

function addAction(numbers: Command, deps: CliDeps, { name, description }: Action): void {
  addApiOptions(numbers.command(name))
    .description(description)
    .argument('<x>', 'the number')
    .addHelpText('after', `\nExample:\n  axbridge numbers ${name} 17000000001`)
    .action(async (x: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const number = await api.post<XNumber>(`${pathOf(x)}/${name}`)
      deps.out(
        options.json === true
          ? `${JSON.stringify(number)}\n`
          : `${number.x} is ${number.state} now.\n`,
      )
    })
}

function addRelease(numbers: Command, deps: CliDeps): void {
  addApiOptions(numbers.command('release'))
    .description('Give an X number back for good; only when it has no binding.')
    .argument('<x>', 'the number')
    .addHelpText('after', '\nExample:\n  axbridge numbers release 17000000001')
    .action(async (x: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      await api.delete(pathOf(x))
      deps.out(options.json === true ? `${JSON.stringify({ x })}\n` : `${x} is given back.\n`)
    })
}

function pathOf(x: string): string {
  return `/v1/numbers/${encodeURIComponent(x)}`
}
