import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { parse } from 'csv-parse/sync'
import { type ApiOptions, addApiOptions, createApiClient } from './api-client.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Outcome = {
  binding?: { id: string; x: string; extension?: string; phoneA: string }
  problem?: { code: string; detail: string; errors?: { pointer: string; detail: string }[] }
}
type BulkAnswer = { done: number; failed: number; items: Outcome[] }
type BulkOptions = ApiOptions & { key?: string }

/** What the API takes at once. */
const perRequest = 500
/** Columns that are no text. */
const parsed = new Set(['recording', 'asr', 'ringSeconds', 'talkSeconds', 'tones', 'survey'])

export function addBulk(bind: Command, deps: CliDeps): void {
  addApiOptions(bind.command('bulk'))
    .description('Bind every line of a CSV file. What fails does not hold the others up.')
    .argument('<file>', 'CSV with a header line: names of fields as in the API')
    .option('--key <text>', 'idempotency key (default: of the content of the file)')
    .addHelpText(
      'after',
      `
Columns: poolKey, phoneA and expiresAt, and whatever else the API takes: phoneB, x, extension,
groupId, expectCity, recording, ringSeconds, talkSeconds, callRestrict, outId, tones as JSON, …
The same file sent again within a day binds nothing twice, and tries again what has failed.

Example:
  axbridge bind bulk bindings.csv`,
    )
    .action(async (file: string, options: BulkOptions) => {
      const text = await readText(file)
      await sendAll(deps, options, { path: '/v1/bindings/bulk', text, items: bindItems(text) })
    })

  addApiOptions(bind.command('bulk-remove'))
    .description('End every binding whose id is on a line of a file.')
    .argument('<file>', 'one id per line, or CSV with a column id')
    .option('--key <text>', 'idempotency key (default: of the content of the file)')
    .addHelpText('after', '\nExample:\n  axbridge bind bulk-remove ids.txt')
    .action(async (file: string, options: BulkOptions) => {
      const text = await readText(file)
      const items = unbindItems(text)
      await sendAll(deps, options, { path: '/v1/bindings/bulk-unbind', text, items })
    })
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CliError(`${file} cannot be read`, { cause })
  })
}

function recordsIn(text: string): Record<string, string>[] {
  try {
    return parse(text, { columns: true, bom: true, skip_empty_lines: true, trim: true })
  } catch (cause) {
    throw new CliError('the file is no CSV with a header line', { cause })
  }
}

function bindItems(text: string): object[] {
  return recordsIn(text).map((record) =>
    Object.fromEntries(
      Object.entries(record)
        .filter(([, value]) => value !== '')
        .map(([field, value]) => [field, parsed.has(field) ? parsedValue(field, value) : value]),
    ),
  )
}

function parsedValue(field: string, value: string): unknown {
  try {
    return JSON.parse(value)
  } catch (cause) {
    throw new CliError(`the column ${field} holds something that is not JSON`, { cause })
  }
}

function unbindItems(text: string): object[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const [first = ''] = lines
  if (/^\d+$/.test(first)) return lines.filter((line) => line !== '').map((id) => ({ id }))
  return recordsIn(text).map(({ id }) => ({ id }))
}

async function sendAll(
  deps: CliDeps,
  options: BulkOptions,
  work: { path: string; text: string; items: readonly object[] },
): Promise<void> {
  const { path, text, items } = work
  if (items.length === 0) throw new CliError('the file has no lines besides its header')
  const api = await createApiClient(options, deps)
  const key = options.key ?? createHash('sha256').update(text).digest('hex')
  const outcomes: Outcome[] = []
  for (let from = 0; from < items.length; from += perRequest) {
    const part = items.slice(from, from + perRequest)
    const headers = { 'idempotency-key': `${key}-${from}` }
    const answer = await api.post<BulkAnswer>(path, { items: part }, headers)
    outcomes.push(...answer.items)
  }
  tell(deps, options, outcomes)
}

function tell(deps: CliDeps, options: BulkOptions, outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ problem }) => problem !== undefined).length
  if (options.json === true) {
    deps.out(`${JSON.stringify({ done: outcomes.length - failed, failed, items: outcomes })}\n`)
  } else {
    const rows = outcomes.map(({ binding, problem }, at) => [
      String(at + 1),
      binding?.id ?? '',
      binding?.x ?? '',
      binding?.extension ?? '',
      problem === undefined ? 'done' : reasonOf(problem),
    ])
    deps.out(tableText(['ITEM', 'ID', 'X', 'EXTENSION', 'RESULT'], rows))
  }
  if (failed > 0) throw new CliError(`${failed} of ${outcomes.length} were refused`)
}

function reasonOf({ code, detail, errors }: NonNullable<Outcome['problem']>): string {
  const faults = errors?.map((each) => `${each.pointer} ${each.detail}`).join('; ')
  return `${code}: ${faults ?? detail}`
}
