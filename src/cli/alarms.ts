import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import type { CliDeps } from './deps.ts'
import { parseDuration } from './duration.ts'
import { tableText } from './table.ts'

type Alarm = {
  id: string
  kind: string
  poolKey?: string
  subject?: string
  detail?: string
  raisedAt: string
  clearedAt?: string
  clearedBecause?: string
}

type ListOptions = ApiOptions & {
  kind?: string
  open?: boolean
  pool?: string
  since?: number
  limit: number
  cursor?: string
}

const kinds = [
  'pool-utilisation',
  'push-failing',
  'trunk-down',
  'media-host-down',
  'journal-filling',
  'certification-expiring',
]

/** What a human should look at. */
export function addAlarmsCommand(program: Command, deps: CliDeps): void {
  addApiOptions(program.command('alarms'))
    .description('What a human should look at, newest first.')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(kinds))
    .option('--open', 'only those that are not over')
    .option('--pool <key>', 'only of this pool')
    .option('--since <duration>', 'raised or over since: 30m, 2h, 7d', parseDuration)
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText(
      'after',
      `
To be told at once, have them pushed, signed like any receipt:
  axbridge receipts push set AlarmReport https://ops.example.com/axbridge

Examples:
  axbridge alarms --open
  axbridge alarms --kind trunk-down --since 7d`,
    )
    .action(async (options: ListOptions) => {
      const api = await createApiClient(options, deps)
      const page = await api.get<Page<Alarm>>('/v1/alarms', {
        kind: options.kind,
        poolKey: options.pool,
        open: options.open === true ? 'true' : undefined,
        since: sinceText(options.since),
        limit: String(options.limit),
        cursor: options.cursor,
      })
      deps.out(options.json === true ? `${JSON.stringify(page)}\n` : pageText(page))
    })
}

function sinceText(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(Date.now() - seconds * 1000).toISOString()
}

function pageText(page: Page<Alarm>): string {
  const rows = page.items.map((each) => [
    ...[each.id, each.kind, each.subject ?? each.poolKey ?? '', each.raisedAt],
    ...[endOf(each), each.detail ?? ''],
  ])
  const table = tableText(['ID', 'KIND', 'ABOUT', 'RAISED', 'CLEARED', 'DETAIL'], rows)
  return page.nextCursor === undefined ? table : `${table}More: --cursor ${page.nextCursor}\n`
}

function endOf({ clearedAt, clearedBecause }: Alarm): string {
  if (clearedAt === undefined) return 'open'
  return clearedBecause === 'unwatched' ? `${clearedAt} (unwatched)` : clearedAt
}
