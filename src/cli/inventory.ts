import { createReadStream } from 'node:fs'
import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import { csvParts } from './csv-parts.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type ImportAnswer = {
  lines: number
  added: number
  unchanged: number
  faulty: number
  faults: { line: number; detail: string }[]
}

type StockNumber = {
  x: string
  class: number
  city: string
  carrier?: number
  state: string
  restsUntil?: string
}

type StockCount = {
  class: number
  city: string
  free: number
  sold: number
  returned: number
  withdrawn: number
}

/** Small enough that every part is answered in seconds. */
const linesPerPart = 50_000
const faultsShown = 50

export function addInventoryCommand(program: Command, deps: CliDeps): void {
  const inventory = program
    .command('inventory')
    .description('The stock of X numbers that accounts buy from. For the operator.')
    .addHelpText(
      'after',
      `
The file is CSV, UTF-8 or GB18030; its first line names the columns:

  number,class,city,carrier
  17000000001,1,杭州,2
  95013000001,3,,

class: 1 virtual operator (170/171), 2 carrier, 3 nationwide (begins with 95, no city).
carrier: 1 China Mobile, 2 China Unicom, 3 China Telecom, or nothing.

Example:
  axbridge inventory import numbers.csv`,
    )
  addImport(inventory, deps)
  addList(inventory, deps)
  addCounts(inventory, deps)
  addSingle(inventory, deps)
}

function addImport(inventory: Command, deps: CliDeps): void {
  addApiOptions(inventory.command('import'))
    .description('Take numbers into stock. The same file can be imported again at any time.')
    .argument('<file>', 'CSV file')
    .addHelpText('after', '\nExample:\n  axbridge inventory import numbers.csv')
    .action(async (file: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const total: ImportAnswer = { lines: 0, added: 0, unchanged: 0, faulty: 0, faults: [] }
      try {
        for await (const { bytes, firstLine } of csvParts(createReadStream(file), linesPerPart)) {
          const path = `/v1/inventory/imports?firstLine=${firstLine}`
          addTo(total, await api.postCsv<ImportAnswer>(path, bytes))
          if (options.json !== true) deps.err(`${total.lines} lines\n`)
        }
      } catch (err) {
        throw withWhatIsIn(err, file, total)
      }
      deps.out(options.json === true ? `${JSON.stringify(total)}\n` : reportOf(total))
      if (total.faulty > 0) {
        throw new CliError(`${total.faulty} lines were not taken in; correct them and import again`)
      }
    })
}

function addTo(total: ImportAnswer, part: ImportAnswer): void {
  total.lines += part.lines
  total.added += part.added
  total.unchanged += part.unchanged
  total.faulty += part.faulty
  total.faults.push(...part.faults)
}

function reportOf({ added, unchanged, faults, faulty }: ImportAnswer): string {
  const shown = faults.slice(0, faultsShown).map((each) => `line ${each.line}: ${each.detail}\n`)
  const more = faulty > shown.length ? `and ${faulty - shown.length} more faulty lines\n` : ''
  return `${shown.join('')}${more}${added} added, ${unchanged} were there already.\n`
}

function withWhatIsIn(err: unknown, file: string, { lines }: ImportAnswer): unknown {
  const code = err instanceof Error && 'code' in err ? err.code : undefined
  if (code === 'ENOENT') return new CliError(`there is no file ${file}`, { cause: err })
  if (!(err instanceof CliError) || lines === 0) return err
  return new CliError(`${err.message}; the first ${lines} lines are in, import the file again`, {
    cause: err,
  })
}

function addList(inventory: Command, deps: CliDeps): void {
  addApiOptions(inventory.command('list'))
    .description('Numbers in stock, sold ones too.')
    .addOption(new Option('--class <n>', 'only of this class').choices(['1', '2', '3']))
    .option('--city <name>', 'only of this city')
    .addOption(
      new Option('--state <state>', 'only in this state').choices([
        'free',
        'sold',
        'returned',
        'withdrawn',
      ]),
    )
    .option('--beginning <digits>', 'only those that begin so')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge inventory list --city 杭州 --state free')
    .action(async (options: ApiOptions & Record<string, string | undefined>) => {
      const api = await createApiClient(options, deps)
      const { class: class_, city, state, beginning, limit, cursor } = options
      const query = { class: class_, city, state, beginning, limit: String(limit), cursor }
      const page = await api.get<Page<StockNumber>>('/v1/inventory', query)
      if (options.json !== undefined) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        each.x,
        String(each.class),
        each.city,
        each.carrier === undefined ? '' : String(each.carrier),
        each.state,
        each.restsUntil ?? '',
      ])
      deps.out(tableText(['X', 'CLASS', 'CITY', 'CARRIER', 'STATE', 'RESTS UNTIL'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addCounts(inventory: Command, deps: CliDeps): void {
  addApiOptions(inventory.command('counts'))
    .description('How many there are of each class in each city.')
    .addHelpText('after', '\nExample:\n  axbridge inventory counts')
    .action(async (options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const { items } = await api.get<{ items: StockCount[] }>('/v1/inventory/counts')
      if (options.json === true) {
        deps.out(`${JSON.stringify(items)}\n`)
        return
      }
      const rows = items.map(({ class: class_, city, free, sold, returned, withdrawn }) => [
        String(class_),
        city,
        ...[free, sold, returned, withdrawn].map(String),
      ])
      deps.out(tableText(['CLASS', 'CITY', 'FREE', 'SOLD', 'RETURNED', 'WITHDRAWN'], rows))
    })
}

function addSingle(inventory: Command, deps: CliDeps): void {
  addApiOptions(inventory.command('remove'))
    .description('Take a number out of stock, so that nobody can buy it.')
    .argument('<x>', 'the number')
    .addHelpText('after', '\nExample:\n  axbridge inventory remove 17000000001')
    .action(async (x: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      await api.delete(`/v1/inventory/${encodeURIComponent(x)}`)
      deps.out(options.json === true ? `${JSON.stringify({ x })}\n` : `${x} is out of stock.\n`)
    })
  addApiOptions(inventory.command('restore'))
    .description('Put a number on sale again that was returned or withdrawn.')
    .argument('<x>', 'the number')
    .addHelpText('after', '\nExample:\n  axbridge inventory restore 17000000001')
    .action(async (x: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const path = `/v1/inventory/${encodeURIComponent(x)}/restore`
      const number = await api.post<StockNumber>(path)
      deps.out(
        options.json === true ? `${JSON.stringify(number)}\n` : `${number.x} can be bought.\n`,
      )
    })
}
