import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Entry = {
  id: string
  number?: string
  first?: string
  second?: string
  way?: string
  remark?: string
  createdAt: string
}

type AddOptions = ApiOptions & {
  pool: string
  number: string
  with?: string
  way?: string
  remark?: string
}

type RemoveOptions = ApiOptions & {
  pool: string
  number?: string
  with?: string
  id?: string
  pair?: boolean
}

type ListOptions = ApiOptions & {
  pool: string
  pairs?: boolean
  number?: string
  limit: number
  cursor?: string
}

export function addBlacklistCommand(program: Command, deps: CliDeps): void {
  const blacklist = program
    .command('blacklist')
    .description('Who may not call the X numbers of a pool, or not be joined there.')
    .addHelpText(
      'after',
      `
Example:
  axbridge blacklist add --pool FC100000000000001 --number 13800000001
  axbridge blacklist add --pool FC100000000000001 --number 13800000001 --with 13900000002`,
    )
  addAdd(blacklist, deps)
  addRemove(blacklist, deps)
  addList(blacklist, deps)
}

function addAdd(blacklist: Command, deps: CliDeps): void {
  addApiOptions(blacklist.command('add'))
    .description('Bar a number from a whole pool, or two numbers from each other.')
    .requiredOption('--pool <key>', 'key of the pool')
    .requiredOption('--number <number>', 'real number that is barred; the first of a pair')
    .option('--with <number>', 'only from this one: the second of a pair')
    .addOption(
      new Option(
        '--way <way>',
        'both; second: only the second may not call the first; first: only the first may not call the second',
      ).choices(['both', 'second', 'first']),
    )
    .option('--remark <text>', 'why, for people')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge blacklist add --pool FC100000000000001 --number 13800000001 --remark spam',
    )
    .action(async (options: AddOptions) => {
      const { number, remark } = options
      if (options.way !== undefined && options.with === undefined) {
        throw new CliError('--way is about two numbers: give the second by --with')
      }
      const api = await createApiClient(options, deps)
      const [path, body] =
        options.with === undefined
          ? ['blocked-callers', { number, remark }]
          : [
              'blocked-pairs',
              { first: number, second: options.with, way: ways[options.way ?? 'both'], remark },
            ]
      const entry = await api.post<Entry>(`${poolPath(options.pool)}/${path}`, body)
      const text = `Entry ${entry.id}: ${whoOf(entry)} is barred from the next call on.`
      deps.out(options.json === true ? `${JSON.stringify(entry)}\n` : `${text}\n`)
    })
}

const ways: Readonly<Record<string, string>> = {
  both: 'DUPLEX_REJECT',
  second: 'PHONEA_REJECT',
  first: 'PHONEB_REJECT',
}

function addRemove(blacklist: Command, deps: CliDeps): void {
  addApiOptions(blacklist.command('remove'))
    .description('Take an entry off: by its numbers, or by its id.')
    .requiredOption('--pool <key>', 'key of the pool')
    .option('--number <number>', 'real number; the first of a pair')
    .option('--with <number>', 'the second of a pair')
    .option('--id <id>', 'id of the entry')
    .option('--pair', 'with --id: it is a pair')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge blacklist remove --pool FC100000000000001 --number 13800000001',
    )
    .action(async (options: RemoveOptions) => {
      const { id, number } = options
      if ((id === undefined) === (number === undefined)) {
        throw new CliError('say which entry: either --number or --id')
      }
      const api = await createApiClient(options, deps)
      const isPair = options.pair === true || options.with !== undefined
      const path = `${poolPath(options.pool)}/${isPair ? 'blocked-pairs' : 'blocked-callers'}`
      if (id !== undefined) await api.delete(`${path}/${encodeURIComponent(id)}`)
      else {
        const body = isPair ? { first: number, second: options.with } : { number }
        await api.post(`${path}/remove`, body)
      }
      deps.out(options.json === true ? `${JSON.stringify({ removed: true })}\n` : 'It is off.\n')
    })
}

function addList(blacklist: Command, deps: CliDeps): void {
  addApiOptions(blacklist.command('list'))
    .description('Entries of a pool, newest first.')
    .requiredOption('--pool <key>', 'key of the pool')
    .option('--pairs', 'pairs instead of single numbers')
    .option('--number <number>', 'only with this real number')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge blacklist list --pool FC100000000000001 --pairs')
    .action(async (options: ListOptions) => {
      const api = await createApiClient(options, deps)
      const { number, limit, cursor } = options
      const kind = options.pairs === true ? 'blocked-pairs' : 'blocked-callers'
      const path = `${poolPath(options.pool)}/${kind}`
      const page =
        number === undefined
          ? await api.get<Page<Entry>>(path, { limit: String(limit), cursor })
          : await api.post<Page<Entry>>(`${path}/search`, { number, limit, cursor })
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        ...[each.id, whoOf(each), each.way ?? '', each.createdAt, each.remark ?? ''],
      ])
      deps.out(tableText(['ID', 'WHO', 'WAY', 'CREATED', 'REMARK'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function whoOf({ number, first, second }: Entry): string {
  return number ?? `${first} with ${second}`
}

function poolPath(key: string): string {
  return `/v1/pools/${encodeURIComponent(key)}`
}
