import type { Command } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient } from './api-client.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Kafka = {
  type: string
  topic: string
  enabled: boolean
  failingSince?: string
  lastFault?: string
}

/** Receipts that go to the installation's Kafka. */
export function addKafkaCommand(receipts: Command, deps: CliDeps): void {
  const kafka = receipts
    .command('kafka')
    .description("Receipts that go to the installation's Kafka.")
  addSet(kafka, deps)
  addApiOptions(kafka.command('list'))
    .description('What goes to which topic, and how it goes.')
    .addHelpText('after', '\nExample:\n  axbridge receipts kafka list')
    .action(async (options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const list = await api.get<{ items: Kafka[] }>('/v1/receipts/kafka')
      const rows = list.items.map((each) => [each.type, stateOf(each), each.topic])
      tell(deps, options, list, tableText(['TYPE', 'STATE', 'TOPIC'], rows))
    })
  addTest(kafka, deps)
  addApiOptions(kafka.command('delete'))
    .description('Send a type to Kafka no more.')
    .argument('<type>', 'message type')
    .option('--discard', 'throw away what waits')
    .addHelpText('after', '\nExample:\n  axbridge receipts kafka delete SecretReport')
    .action(async (type: string, options: ApiOptions & { discard?: boolean }) => {
      const api = await createApiClient(options, deps)
      await api.delete(pathOf(type) + (options.discard === true ? '?discard=true' : ''))
      tell(deps, options, { type }, `${type} does not go to Kafka any more.\n`)
    })
}

function addSet(kafka: Command, deps: CliDeps): void {
  addApiOptions(kafka.command('set'))
    .description('Send receipts of a type to Kafka, or stop for a while.')
    .argument('<type>', 'message type, such as SecretReport')
    .option('--on', 'send; a new type is on by itself')
    .option('--off', 'keep what waits and send nothing')
    .addHelpText('after', '\nExample:\n  axbridge receipts kafka set SecretReport')
    .action(async (type: string, options: ApiOptions & { on?: boolean; off?: boolean }) => {
      if (options.on === true && options.off === true) throw new CliError('say --on or --off')
      const api = await createApiClient(options, deps)
      const enabled = options.on ?? (options.off === true ? false : undefined)
      const set = await api.put<Kafka>(pathOf(type), { enabled })
      tell(deps, options, set, `${set.type} goes to the topic ${set.topic} (${stateOf(set)}).\n`)
    })
}

type Tested = { ok: boolean; status?: number; fault?: string; ms: number }

function addTest(kafka: Command, deps: CliDeps): void {
  addApiOptions(kafka.command('test'))
    .description('Send one example to the topic and see how it is answered.')
    .argument('<type>', 'message type')
    .addHelpText('after', '\nExample:\n  axbridge receipts kafka test SecretReport')
    .action(async (type: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const tested = await api.post<Tested>(`${pathOf(type)}/test`)
      const how = tested.ok ? 'was taken' : `was not taken: ${tested.fault ?? 'unknown'}`
      tell(deps, options, tested, `The example ${how} (${tested.ms} ms).\n`)
      if (!tested.ok && options.json !== true) throw new CliError('the topic is not ready')
    })
}

function stateOf({ enabled, failingSince, lastFault }: Kafka): string {
  if (!enabled) return 'off'
  if (failingSince === undefined) return 'on'
  return `failing since ${failingSince}: ${lastFault ?? 'unknown'}`
}

function pathOf(type: string): string {
  return `/v1/receipts/kafka/${encodeURIComponent(type)}`
}

function tell(deps: CliDeps, options: ApiOptions, answer: object, text: string): void {
  deps.out(options.json === true ? `${JSON.stringify(answer)}\n` : text)
}
