import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Run = {
  id: string
  createdAt: string
  fromPoolKey: string
  fromPoolName: string
  toPoolKey: string
  toPoolName: string
  asked: number
  succeeded: number
}

type Move = { x: string; city?: string; result: string; reason?: string }

type RunOptions = ApiOptions & {
  from: string
  to: string
  count?: number
  city?: string
  file?: string
  key?: string
}

export function addMoveCommand(program: Command, deps: CliDeps): void {
  const move = program
    .command('move')
    .description('Move unbound X numbers between pools of one product.')
    .addHelpText(
      'after',
      `
Example:
  axbridge move run --from FC100000000000001 --to FC100000000000002 --count 20 --city 杭州`,
    )
  addRun(move, deps)
  addList(move, deps)
  addShow(move, deps)
}

function addRun(move: Command, deps: CliDeps): void {
  addApiOptions(move.command('run'))
    .description('Move numbers: any so many, or these. What cannot be moved is said one by one.')
    .argument('[x...]', 'these numbers, at most 500')
    .requiredOption('--from <key>', 'the old pool')
    .requiredOption('--to <key>', 'the new pool')
    .option('--count <n>', 'any so many, at most 1000', parseCount)
    .option('--city <name>', 'with --count: only of this city')
    .option('--file <path>', 'these numbers, one per line')
    .option('--key <text>', 'idempotency key: the same key never moves twice (default: random)')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge move run --from FC100000000000001 --to FC100000000000002 17000000001',
    )
    .action(async (given: string[], options: RunOptions) => {
      const api = await createApiClient(options, deps)
      const body = await requestOf(given, options)
      const key = options.key ?? randomUUID()
      const run = await api.post<Run & { numbers: Move[] }>('/v1/number-migrations', body, {
        'idempotency-key': key,
      })
      if (options.json === true) {
        deps.out(`${JSON.stringify(run)}\n`)
        return
      }
      deps.out(
        `Run ${run.id}: ${run.succeeded} of ${run.asked} numbers moved to ${run.toPoolKey}.\n`,
      )
      const rest = run.numbers.filter(({ result }) => result !== 'moved')
      if (rest.length > 0) deps.out(movesText(rest))
    })
}

async function requestOf(given: readonly string[], options: RunOptions): Promise<object> {
  const { from: fromPoolKey, to: toPoolKey, count, city, file } = options
  const listed = file === undefined ? given : [...given, ...(await linesOf(file))]
  if ((count === undefined) === (listed.length === 0)) {
    throw new CliError('say which numbers: either --count, or the numbers themselves or --file')
  }
  const chosen = count === undefined ? { numbers: listed } : { count }
  return { fromPoolKey, toPoolKey, ...chosen, ...(city === undefined ? {} : { city }) }
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CliError(`${file} cannot be read`, { cause })
  })
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function addList(move: Command, deps: CliDeps): void {
  addApiOptions(move.command('list'))
    .description('Runs so far, newest first.')
    .option('--from <key>', 'only out of this pool')
    .option('--to <key>', 'only into this pool')
    .option('--x <number>', 'only those that had this X')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge move list --to FC100000000000002')
    .action(
      async (
        options: ApiOptions & {
          from?: string
          to?: string
          x?: string
          limit: number
          cursor?: string
        },
      ) => {
        const api = await createApiClient(options, deps)
        const page = await api.get<Page<Run>>('/v1/number-migrations', {
          fromPoolKey: options.from,
          toPoolKey: options.to,
          x: options.x,
          limit: String(options.limit),
          cursor: options.cursor,
        })
        if (options.json === true) {
          deps.out(`${JSON.stringify(page)}\n`)
          return
        }
        const rows = page.items.map((run) => [
          run.id,
          run.createdAt,
          `${run.fromPoolName} (${run.fromPoolKey})`,
          `${run.toPoolName} (${run.toPoolKey})`,
          `${run.succeeded}/${run.asked}`,
        ])
        deps.out(tableText(['RUN', 'AT', 'FROM', 'TO', 'MOVED'], rows))
        if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
      },
    )
}

const results = ['moved', 'bound', 'frozen', 'faulty', 'not-in-pool', 'unknown']

function addShow(move: Command, deps: CliDeps): void {
  addApiOptions(move.command('show'))
    .description('What became of each number of a run.')
    .argument('<run>', 'its id')
    .addOption(new Option('--result <result>', 'only those with this result').choices(results))
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge move show 1000000001 --result bound')
    .action(
      async (
        id: string,
        options: ApiOptions & { result?: string; limit: number; cursor?: string },
      ) => {
        const api = await createApiClient(options, deps)
        const path = `/v1/number-migrations/${encodeURIComponent(id)}/numbers`
        const { result, limit, cursor } = options
        const page = await api.get<Page<Move>>(path, { result, limit: String(limit), cursor })
        if (options.json === true) {
          deps.out(`${JSON.stringify(page)}\n`)
          return
        }
        deps.out(movesText(page.items))
        if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
      },
    )
}

function movesText(moves: readonly Move[]): string {
  const rows = moves.map(({ x, city, result, reason }) => [x, city ?? '', result, reason ?? ''])
  return tableText(['X', 'CITY', 'RESULT', 'REASON'], rows)
}
