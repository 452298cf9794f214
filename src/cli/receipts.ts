import type { Command } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { addKafkaCommand } from './receipts-kafka.ts'
import { addPushCommand } from './receipts-push.ts'
import { tableText } from './table.ts'

/** Where receipts go, what became of them, and sending them again. */
export function addReceiptsCommand(program: Command, deps: CliDeps): void {
  const receipts = program
    .command('receipts')
    .description(
      'Where receipts go (queues, pushes, Kafka), what became of them, sending them again.',
    )
    .addHelpText(
      'after',
      `
Example:
  axbridge receipts queue add SecretReport
  axbridge receipts push set SecretReport https://receipts.example.com/ends
  axbridge receipts log --state dead`,
    )
  addQueueCommand(receipts, deps)
  addPushCommand(receipts, deps)
  addKafkaCommand(receipts, deps)
  addLog(receipts, deps)
  addResend(receipts, deps)
  addReplay(receipts, deps)
}

type Queue = {
  name: string
  type: string
  isDefault: boolean
  enabled: boolean
  poolKeys: string[]
}

function addQueueCommand(receipts: Command, deps: CliDeps): void {
  const queue = receipts.command('queue').description('Queues that receipts are pulled from.')
  addApiOptions(queue.command('add'))
    .description('Add the default queue of a type, or with a suffix one that is tied to pools.')
    .argument('<type>', 'message type, such as SecretReport')
    .option('--suffix <text>', 'ends the name of a queue for some pools only')
    .option('--pools <keys...>', 'keys of the pools')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge receipts queue add SecretReport --suffix 1 --pools FC100000000000001',
    )
    .action(async (type: string, options: ApiOptions & { suffix?: string; pools?: string[] }) => {
      const api = await createApiClient(options, deps)
      const { suffix, pools: poolKeys } = options
      const made = await api.post<Queue>('/v1/receipts/queues', { type, suffix, poolKeys })
      tell(deps, options, made, `Queue ${made.name} takes ${made.type}.`)
    })
  addApiOptions(queue.command('set'))
    .description('Change a queue.')
    .argument('<name>', 'name of the queue')
    .option('--on', 'put receipts in')
    .option('--off', 'put nothing in; what is in can still be pulled')
    .option('--pools <keys...>', 'keys of its pools, instead of those that there were')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge receipts queue set Alicom-Queue-main-SecretReport --off',
    )
    .action(
      async (
        name: string,
        options: ApiOptions & { on?: boolean; off?: boolean; pools?: string[] },
      ) => {
        if (options.on === true && options.off === true) throw new CliError('say --on or --off')
        const enabled = options.on ?? (options.off === true ? false : undefined)
        const api = await createApiClient(options, deps)
        const change = { enabled, poolKeys: options.pools }
        const changed = await api.patch<Queue>(queuePath(name), change)
        tell(deps, options, changed, `Queue ${name} is ${changed.enabled ? 'on' : 'off'}.`)
      },
    )
  addApiOptions(queue.command('list'))
    .description('Queues, by name.')
    .option('--type <type>', 'only of this message type')
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge receipts queue list')
    .action(async (options: ApiOptions & { type?: string; cursor?: string }) => {
      const api = await createApiClient(options, deps)
      const { type, cursor } = options
      const asked = { type, limit: '200', cursor }
      const page = await api.get<Page<Queue>>('/v1/receipts/queues', asked)
      const rows = page.items.map((each) => [
        ...[each.name, each.type, each.enabled ? 'on' : 'off'],
        each.isDefault ? 'all others' : each.poolKeys.join(','),
      ])
      tellPage(deps, options, page, tableText(['NAME', 'TYPE', 'STATE', 'POOLS'], rows))
    })
  addApiOptions(queue.command('delete'))
    .description('Delete a queue.')
    .argument('<name>', 'name of the queue')
    .option('--discard', 'throw away the messages in it')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge receipts queue delete Alicom-Queue-main-SecretReport --discard',
    )
    .action(async (name: string, options: ApiOptions & { discard?: boolean }) => {
      const api = await createApiClient(options, deps)
      await api.delete(queuePath(name) + (options.discard === true ? '?discard=true' : ''))
      tell(deps, options, { name }, `Queue ${name} is gone.`)
    })
}

type Delivery = {
  id: string
  type: string
  eventId: string
  state: string
  attempts: number
  lastFault?: string
  answeredMs?: number
  createdAt: string
}

type LogOptions = ApiOptions & {
  kafka?: boolean
  type?: string
  state?: string
  since?: string
  until?: string
  limit: number
  cursor?: string
}

function addLog(receipts: Command, deps: CliDeps): void {
  addApiOptions(receipts.command('log'))
    .description('What became of receipts that are pushed, newest first.')
    .option('--kafka', 'of those that go to Kafka')
    .option('--type <type>', 'only of this message type')
    .option('--state <state>', 'due, sent or dead')
    .option('--since <time>', 'made at this time or later, such as 2030-01-31T08:00:00+08:00')
    .option('--until <time>', 'made before this time')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge receipts log --state dead')
    .action(async (options: LogOptions) => {
      const api = await createApiClient(options, deps)
      const { type, state, since, until, limit, cursor } = options
      const asked = { way: wayOf(options), type, state, since, until, limit: String(limit), cursor }
      const page = await api.get<Page<Delivery>>('/v1/receipts/deliveries', asked)
      const rows = page.items.map((each) => [
        ...[each.id, each.type, each.eventId, each.state, String(each.attempts)],
        ...[each.answeredMs === undefined ? '' : `${each.answeredMs} ms`, each.createdAt],
        each.lastFault ?? '',
      ])
      const head = ['ID', 'TYPE', 'EVENT', 'STATE', 'TRIES', 'ANSWERED', 'MADE', 'FAULT']
      tellPage(deps, options, page, tableText(head, rows))
    })
}

function addResend(receipts: Command, deps: CliDeps): void {
  addApiOptions(receipts.command('resend'))
    .description('Send receipts again: by id, or all dead ones of a type or a time.')
    .argument('[ids...]', 'ids of receipts; see `axbridge receipts log`')
    .option('--kafka', 'to Kafka')
    .option('--type <type>', 'of this message type')
    .option('--state <state>', 'dead (unless given) or sent')
    .option('--since <time>', 'made at this time or later')
    .option('--until <time>', 'made before this time')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge receipts resend --since 2030-01-31T08:00:00+08:00',
    )
    .action(async (ids: string[], options: Omit<LogOptions, 'limit' | 'cursor'>) => {
      const { type, state, since, until } = options
      const which = { ids: ids.length === 0 ? undefined : ids, type, state, since, until }
      if (Object.values(which).every((each) => each === undefined)) {
        throw new CliError('say which: ids, --type, --state, --since or --until')
      }
      const api = await createApiClient(options, deps)
      const body = { way: wayOf(options), ...which }
      const sent = await api.post<{ receipts: number }>('/v1/receipts/deliveries/resend', body)
      tell(deps, options, sent, `${sent.receipts} receipts are sent again.`)
    })
}

function addReplay(receipts: Command, deps: CliDeps): void {
  addApiOptions(receipts.command('replay'))
    .description('Give out all that is kept of a type again, from a point in time on.')
    .argument('<type>', 'message type')
    .requiredOption('--since <time>', 'made at this time or later')
    .option('--until <time>', 'made before this time')
    .option('--queue <name>', 'into this queue; without it they are pushed')
    .option('--kafka', 'to Kafka')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge receipts replay SecretReport --since 2030-01-31T08:00:00+08:00',
    )
    .action(
      async (
        type: string,
        options: ApiOptions & { since: string; until?: string; queue?: string; kafka?: boolean },
      ) => {
        if (options.kafka === true && options.queue !== undefined) {
          throw new CliError('say --queue or --kafka')
        }
        const api = await createApiClient(options, deps)
        const { since, until, queue } = options
        const what = { type, since, until, queue, way: wayOf(options) }
        const again = await api.post<{ receipts: number }>('/v1/receipts/replay', what)
        tell(deps, options, again, `${again.receipts} receipts are given out again.`)
      },
    )
}

function wayOf({ kafka }: { kafka?: boolean }): 'kafka' | undefined {
  return kafka === true ? 'kafka' : undefined
}

function queuePath(name: string): string {
  return `/v1/receipts/queues/${encodeURIComponent(name)}`
}

function tell(deps: CliDeps, options: ApiOptions, answer: object, line: string): void {
  deps.out(options.json === true ? `${JSON.stringify(answer)}\n` : `${line}\n`)
}

function tellPage(deps: CliDeps, options: ApiOptions, page: Page<unknown>, table: string): void {
  if (options.json === true) {
    deps.out(`${JSON.stringify(page)}\n`)
    return
  }
  deps.out(table)
  if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
}
