import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { type CliDeps, CliError } from './deps.ts'
import { parseDuration } from './duration.ts'
import { tableText } from './table.ts'

type Binding = {
  id: string
  poolKey: string
  x: string
  phoneA: string
  phoneB?: string
  expiresAt: string
  status: string
}

type AddOptions = ApiOptions & {
  pool: string
  a: string
  b: string
  x?: string
  for?: number
  until?: string
  record?: boolean
  ringback?: string
  ringSeconds?: number
  talkSeconds?: number
  restrict?: 'ax' | 'bx'
  outId?: string
  key?: string
}

export function addBindCommand(program: Command, deps: CliDeps): void {
  const bind = program
    .command('bind')
    .description('Make, end and look at bindings, through the HTTP API.')
    .addHelpText(
      'after',
      `
The token comes from AXBRIDGE_TOKEN, or else AXBRIDGE_ADMIN_TOKEN.

Example:
  axbridge bind add --pool FC100000000000001 --a 13800000001 --b 13900000002 --for 2h`,
    )
  addAdd(bind, deps)
  addRemove(bind, deps)
  addList(bind, deps)
  addGet(bind, deps)
}

function addAdd(bind: Command, deps: CliDeps): void {
  addApiOptions(bind.command('add'))
    .description('Bind A and B to an X number: each reaches the other by dialling X.')
    .requiredOption('--pool <key>', 'pool that X is taken from')
    .requiredOption('--a <number>', 'real number of A')
    .requiredOption('--b <number>', 'real number of B')
    .option('--x <number>', 'this X instead of any free one')
    .option('--for <duration>', 'how long it lives: 90s, 30m, 2h, 7d', parseDuration)
    .option('--until <time>', 'or until when (RFC 3339), such as 2030-01-31T23:59:59+08:00')
    .option('--record', 'record its calls')
    .option(
      '--ringback <code>',
      'code of the tone that whoever calls hears while the other side rings',
    )
    .option('--ring-seconds <n>', 'how long the callee rings', parseCount)
    .option('--talk-seconds <n>', 'longest call', parseCount)
    .addOption(new Option('--restrict <side>', 'side that may not call X').choices(['ax', 'bx']))
    .option('--out-id <text>', 'your own id, given back in every report')
    .option('--key <text>', 'idempotency key: the same key never binds twice (default: random)')
    .addHelpText(
      'after',
      `
Example:
  axbridge bind add --pool FC100000000000001 --a 13800000001 --b 13900000002 --for 2h --record`,
    )
    .action(async (options: AddOptions) => {
      const api = await createApiClient(options, deps)
      const body = bindRequestOf(options, Date.now())
      const key = options.key ?? randomUUID()
      const bound = await api.post<Binding>('/v1/bindings', body, { 'idempotency-key': key })
      deps.out(
        options.json === true
          ? `${JSON.stringify(bound)}\n`
          : `Binding ${bound.id}: ${bound.phoneA} and ${bound.phoneB ?? ''} reach each other by dialling ${bound.x} until ${bound.expiresAt}.\n`,
      )
    })
}

function bindRequestOf(options: AddOptions, nowMs: number): object {
  if ((options.for === undefined) === (options.until === undefined)) {
    throw new CliError('say how long the binding lives: either --for or --until')
  }
  const expiresAt =
    options.until ?? new Date(nowMs + (options.for ?? 0) * 1000).toISOString().replace(/\.\d+/, '')
  const request = {
    poolKey: options.pool,
    phoneA: options.a,
    phoneB: options.b,
    x: options.x,
    expiresAt,
    recording: options.record,
    tones:
      options.ringback === undefined ? undefined : { a: options.ringback, peer: options.ringback },
    ringSeconds: options.ringSeconds,
    talkSeconds: options.talkSeconds,
    callRestrict:
      options.restrict === undefined
        ? undefined
        : `CONTROL_${options.restrict.toUpperCase()}_DISABLE`,
    outId: options.outId,
  }
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined))
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
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge bind list --pool FC100000000000001 --limit 20')
    .action(
      async (
        options: ApiOptions & { pool?: string; x?: string; limit: number; cursor?: string },
      ) => {
        const api = await createApiClient(options, deps)
        const page = await api.get<Page<Binding>>('/v1/bindings', {
          poolKey: options.pool,
          x: options.x,
          limit: String(options.limit),
          cursor: options.cursor,
        })
        if (options.json === true) {
          deps.out(`${JSON.stringify(page)}\n`)
          return
        }
        const rows = page.items.map((each) => [
          each.id,
          each.x,
          each.phoneA,
          each.phoneB ?? '',
          each.expiresAt,
          each.status,
        ])
        deps.out(tableText(['ID', 'X', 'A', 'B', 'EXPIRES', 'STATUS'], rows))
        if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
      },
    )
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

function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d{1,6}$/.test(text) || count < 1) {
    throw new InvalidArgumentError('A whole number of at least 1.')
  }
  return count
}
