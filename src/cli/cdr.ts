import { type Command, InvalidArgumentError } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { addEventCommands, addRedisOption, redisUrlOf } from './cdr-events.ts'
import type { CliDeps } from './deps.ts'
import { placesOf } from './places.ts'
import { tableText } from './table.ts'

type Call = {
  id: string
  x: string
  caller?: string
  callee?: string
  callTime: string
  talkSeconds: number
  releaseReason?: string
  live: boolean
}

export function addCdrCommand(program: Command, deps: CliDeps): void {
  const cdr = program
    .command('cdr')
    .description(
      'Call records: as they come, as a list, or one of them; their events again. Numbers are masked.',
    )
    .addHelpText('after', '\nExample:\n  axbridge cdr list --x +8617000000001 --limit 10')
  addTail(cdr, deps)
  addList(cdr, deps)
  addGet(cdr, deps)
  addEventCommands(cdr, deps)
}

function addTail(cdr: Command, deps: CliDeps): void {
  addRedisOption(cdr.command('tail'))
    .description('Call events (start, ring, answer, end) as they come, one JSON object a line.')
    .option('--key-file <file>', 'default: AXBRIDGE_KEY_FILE, or number-keys in the data folder')
    .addHelpText('after', '\nExample:\n  axbridge cdr tail | grep no-binding')
    .action(async (options: { redisUrl?: string; keyFile?: string }) => {
      const { env, stopped } = deps
      const redisUrl = redisUrlOf(options, env)
      const keyFile = options.keyFile ?? placesOf(env).keyFile
      for await (const report of deps.tailCalls({ redisUrl, keyFile, stopped })) {
        deps.out(`${JSON.stringify(report)}\n`)
      }
    })
}

type ListOptions = ApiOptions & {
  x?: string
  binding?: string
  since?: string
  until?: string
  live?: boolean
  limit: number
  cursor?: string
}

function addList(cdr: Command, deps: CliDeps): void {
  addApiOptions(cdr.command('list'))
    .description('Call records, newest first.')
    .option('--x <number>', 'only through this X')
    .option('--binding <id>', 'only of this binding')
    .option('--since <time>', 'called at or after (RFC 3339)')
    .option('--until <time>', 'called before (RFC 3339)')
    .option('--live', 'calls that are up now')
    .option('--limit <n>', 'how many', parseLimit, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge cdr list --since 2030-01-31T00:00:00+08:00')
    .action(async (options: ListOptions) => {
      const api = await createApiClient(options, deps)
      const page = await api.get<Page<Call>>('/v1/calls', {
        x: options.x,
        bindingId: options.binding,
        since: options.since,
        until: options.until,
        live: options.live === true ? 'true' : undefined,
        limit: String(options.limit),
        cursor: options.cursor,
      })
      deps.out(options.json === true ? `${JSON.stringify(page)}\n` : pageText(page))
    })
}

function pageText(page: Page<Call>): string {
  const rows = page.items.map((each) => [
    each.callTime,
    each.x,
    each.caller ?? 'withheld',
    each.callee ?? '-',
    each.live ? 'live' : (each.releaseReason ?? ''),
    String(each.talkSeconds),
    each.id,
  ])
  const table = tableText(['TIME', 'X', 'CALLER', 'CALLEE', 'END', 'TALK', 'ID'], rows)
  return page.nextCursor === undefined ? table : `${table}More: --cursor ${page.nextCursor}\n`
}

function addGet(cdr: Command, deps: CliDeps): void {
  addApiOptions(cdr.command('get'))
    .description('One call, as JSON.')
    .argument('<id>', 'id of the call')
    .addHelpText('after', '\nExample:\n  axbridge cdr get 0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10')
    .action(async (id: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const call = await api.get<Call>(`/v1/calls/${encodeURIComponent(id)}`)
      deps.out(`${JSON.stringify(call, null, options.json === true ? 0 : 2)}\n`)
    })
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d{1,3}$/.test(text) || limit < 1 || limit > 200) {
    throw new InvalidArgumentError('A whole number from 1 to 200.')
  }
  return limit
}
