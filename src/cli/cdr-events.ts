import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { parseCount } from './count.ts'
import { type CliDeps, type CliEnv, CliError } from './deps.ts'
import { dataFolder } from './places.ts'
import { tableText } from './table.ts'

type RedisOption = { redisUrl?: string }

/** For who runs the installation: events that nobody could make sense of, and reading again. */
export function addEventCommands(cdr: Command, deps: CliDeps): void {
  addDead(cdr, deps)
  addResend(cdr, deps)
  addReplay(cdr, deps)
}

export function redisUrlOf(options: RedisOption, env: CliEnv): string {
  const url = options.redisUrl ?? env.REDIS_URL ?? embeddedRedis(env)
  if (url !== undefined) return url
  throw new CliError('no event queue: set REDIS_URL or give --redis-url')
}

/** The embedded Redis of a quickstart that is running on this data folder. */
function embeddedRedis(env: CliEnv): string | undefined {
  const socket = resolve(dataFolder(env), 'sockets', 'redis.sock')
  return existsSync(socket) ? `unix://${socket}` : undefined
}

export const addRedisOption = (command: Command): Command =>
  command.option('--redis-url <url>', 'default: REDIS_URL, or the quickstart that is running')

function addDead(cdr: Command, deps: CliDeps): void {
  addRedisOption(cdr.command('dead'))
    .description('Call events that could not be made sense of, with the reason. Newest first.')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  axbridge cdr dead --limit 10')
    .action(async (options: RedisOption & { limit: number; json?: boolean }) => {
      const url = redisUrlOf(options, deps.env)
      const dead = await deps.useEvents(url, (events) => events.dead(options.limit))
      if (options.json === true) {
        deps.out(`${JSON.stringify(dead)}\n`)
        return
      }
      const rows = dead.map((each) => [
        each.putAsideAt.toISOString(),
        each.group,
        each.eventId ?? '-',
        each.id,
        each.reason,
      ])
      deps.out(tableText(['TIME', 'GROUP', 'EVENT', 'ID', 'REASON'], rows))
    })
}

function addResend(cdr: Command, deps: CliDeps): void {
  addRedisOption(cdr.command('resend'))
    .description('Put dead call events into the stream again, once what was wrong is mended.')
    .argument('[ids...]', 'as `cdr dead` shows them')
    .option('--all', 'all that there are')
    .addHelpText('after', '\nExample:\n  axbridge cdr resend 1764122400000-0')
    .action(async (ids: readonly string[], options: RedisOption & { all?: boolean }) => {
      const all = options.all === true
      if (all === ids.length > 0) throw new CliError('give ids, or --all')
      const wrong = ids.find((id) => !/^\d{1,20}-\d{1,20}$/.test(id))
      if (wrong !== undefined)
        throw new CliError(`'${wrong}' is no id; axbridge cdr dead shows them`)
      const url = redisUrlOf(options, deps.env)
      const count = await deps.useEvents(url, (events) =>
        all ? events.resendAll() : events.resend(ids),
      )
      deps.out(`${count} sent again.\n`)
    })
}

function addReplay(cdr: Command, deps: CliDeps): void {
  addRedisOption(cdr.command('replay'))
    .description(
      'Let a consumer group read the events since a time again: what it has is not doubled.',
    )
    .argument('<group>', 'receipts, call-records, or one of your own')
    .requiredOption('--since <time>', 'RFC 3339', parseTime)
    .addHelpText(
      'after',
      '\nExample:\n  axbridge cdr replay receipts --since 2030-01-31T08:00:00+08:00',
    )
    .action(async (group: string, options: RedisOption & { since: Date }) => {
      const url = redisUrlOf(options, deps.env)
      const count = await deps.useEvents(url, (events) => events.replay(group, options.since))
      deps.out(`${group} reads ${count} events again.\n`)
    })
}

function parseTime(text: string): Date {
  const time = new Date(/^\d{4}-\d\d-\d\dT/.test(text) ? text : Number.NaN)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('A time as in RFC 3339.')
  return time
}
