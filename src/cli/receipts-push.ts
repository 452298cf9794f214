import type { Command } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient } from './api-client.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { parseDuration } from './duration.ts'
import { tableText } from './table.ts'

type Push = {
  type: string
  url: string
  enabled: boolean
  timeoutMs: number
  batchMax: number
  concurrency: number
  failingSince?: string
  pausedAt?: string
  oldSecretUntil?: string
  secret?: string
}

type SetOptions = ApiOptions & {
  on?: boolean
  off?: boolean
  timeoutMs?: number
  batch?: number
  concurrency?: number
}

/** URLs that receipts are posted to. */
export function addPushCommand(receipts: Command, deps: CliDeps): void {
  const push = receipts.command('push').description('URLs that receipts are posted to.')
  addSet(push, deps)
  addList(push, deps)
  addTest(push, deps)
  addRotate(push, deps)
  addApiOptions(push.command('delete'))
    .description('Push a type no more.')
    .argument('<type>', 'message type')
    .option('--discard', 'throw away what waits')
    .addHelpText('after', '\nExample:\n  axbridge receipts push delete SecretReport')
    .action(async (type: string, options: ApiOptions & { discard?: boolean }) => {
      const api = await createApiClient(options, deps)
      await api.delete(pathOf(type) + (options.discard === true ? '?discard=true' : ''))
      deps.out(
        options.json === true
          ? `${JSON.stringify({ type })}\n`
          : `${type} is not pushed any more.\n`,
      )
    })
}

function addSet(push: Command, deps: CliDeps): void {
  addApiOptions(push.command('set'))
    .description('Push receipts of a type to a URL, or change how. A new secret is printed once.')
    .argument('<type>', 'message type, such as SecretReport')
    .argument('<url>', 'http or https')
    .option('--on', 'send')
    .option('--off', 'keep what waits and send nothing')
    .option('--timeout-ms <n>', 'how long the receiver has for its answer', parseCount)
    .option('--batch <n>', 'receipts in one request at most', parseCount)
    .option('--concurrency <n>', 'requests at the same time at most', parseCount)
    .addHelpText(
      'after',
      '\nExample:\n  axbridge receipts push set SecretReport https://receipts.example.com/ends',
    )
    .action(async (type: string, url: string, options: SetOptions) => {
      if (options.on === true && options.off === true) throw new CliError('say --on or --off')
      const api = await createApiClient(options, deps)
      const put = await api.put<Push>(pathOf(type), {
        url,
        enabled: options.on ?? (options.off === true ? false : undefined),
        timeoutMs: options.timeoutMs,
        batchMax: options.batch,
        concurrency: options.concurrency,
      })
      tellPush(deps, options, put)
    })
}

function addList(push: Command, deps: CliDeps): void {
  addApiOptions(push.command('list'))
    .description('What is pushed where, and how it goes.')
    .addHelpText('after', '\nExample:\n  axbridge receipts push list')
    .action(async (options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const list = await api.get<{ items: Push[] }>('/v1/receipts/pushes')
      const rows = list.items.map((each) => [each.type, stateOf(each), each.url])
      deps.out(
        options.json === true
          ? `${JSON.stringify(list)}\n`
          : tableText(['TYPE', 'STATE', 'URL'], rows),
      )
    })
}

type Tested = { ok: boolean; status?: number; fault?: string; ms: number }

function addTest(push: Command, deps: CliDeps): void {
  addApiOptions(push.command('test'))
    .description('Send one example and see how it is answered.')
    .argument('<type>', 'message type')
    .addHelpText('after', '\nExample:\n  axbridge receipts push test SecretReport')
    .action(async (type: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const tested = await api.post<Tested>(`${pathOf(type)}/test`)
      const how = tested.ok ? 'was taken' : `was not taken: ${tested.fault ?? 'unknown'}`
      const line = `The example ${how} (${tested.ms} ms).`
      deps.out(options.json === true ? `${JSON.stringify(tested)}\n` : `${line}\n`)
      if (!tested.ok && options.json !== true) throw new CliError('the receiver is not ready')
    })
}

function addRotate(push: Command, deps: CliDeps): void {
  addApiOptions(push.command('rotate'))
    .description('Sign with a new secret, printed this once.')
    .argument('<type>', 'message type')
    .option('--keep <duration>', 'how long the old one signs too: 30m, 2h, 7d', parseDuration)
    .addHelpText('after', '\nExample:\n  axbridge receipts push rotate SecretReport --keep 2h')
    .action(async (type: string, options: ApiOptions & { keep?: number }) => {
      const api = await createApiClient(options, deps)
      const keepSeconds = options.keep ?? 0
      tellPush(deps, options, await api.post<Push>(`${pathOf(type)}/rotate`, { keepSeconds }))
    })
}

function tellPush(deps: CliDeps, options: ApiOptions, push: Push): void {
  if (options.json === true) {
    deps.out(`${JSON.stringify(push)}\n`)
    return
  }
  deps.out(`${push.type} goes to ${push.url} (${stateOf(push)}).\n`)
  if (push.secret !== undefined) {
    deps.out(`Secret ${push.secret}\nThe secret cannot be shown again.\n`)
  }
}

function stateOf({ enabled, pausedAt, failingSince }: Push): string {
  if (!enabled) return 'off'
  if (pausedAt !== undefined) return `paused since ${pausedAt}`
  return failingSince === undefined ? 'on' : `failing since ${failingSince}`
}

function pathOf(type: string): string {
  return `/v1/receipts/pushes/${encodeURIComponent(type)}`
}
