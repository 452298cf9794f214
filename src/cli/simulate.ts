import { type Command, InvalidArgumentError } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient } from './api-client.ts'
import type { CliDeps } from './deps.ts'

type Simulation = {
  decision: 'connect' | 'refuse' | 'ask-digits' | 'ask-customer'
  reasons: string[]
  at: string
  x: string
  poolKey?: string
  product?: string
  bindingId?: string
  bindingExpiresAt?: string
  callerRole?: string
  callee?: string
  trunks?: string[]
  ringback?: string
  controlUrl?: string
  hears?: { sipStatus: number; q850: number; reason: string; controlMsg: string }
  record?: { source: string; version: number }
}

type Options = ApiOptions & { caller?: string; x: string; extension?: string; at?: string }

export function addSimulateCommand(program: Command, deps: CliDeps): void {
  addApiOptions(program.command('simulate'))
    .description('What would become of a call: this caller dials this X now. Nobody is rung.')
    .requiredOption('--x <number>', 'the X that is dialled')
    .option('--caller <number>', 'who calls; without it: a caller who withholds the number')
    .option('--extension <digits>', '1 to 3 digits dialled after X', parseExtension)
    .option('--at <time>', 'when it comes in (RFC 3339) instead of now')
    .addHelpText(
      'after',
      `
The token comes from AXBRIDGE_ADMIN_TOKEN.

Example:
  axbridge simulate --caller 13800000001 --x +8617000000001`,
    )
    .action(async (options: Options) => {
      const api = await createApiClient(options, deps)
      const { caller, x, extension, at } = options
      const asked = Object.entries({ caller, x, extension, at }).filter(
        ([, value]) => value !== undefined,
      )
      const told = await api.post<Simulation>('/v1/simulate', Object.fromEntries(asked))
      deps.out(options.json === true ? `${JSON.stringify(told)}\n` : textOf(told))
    })
}

function parseExtension(text: string): string {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('1 to 3 digits.')
  return text
}

function textOf(told: Simulation): string {
  const lines = [
    decisionIn(told),
    ...told.reasons.map((reason, at) => `${String(at + 1).padStart(3)}. ${reason}`),
    ...(told.poolKey === undefined ? [] : [`X: ${told.product ?? ''} of pool ${told.poolKey}`]),
    ...bindingIn(told),
    ...(told.ringback === undefined ? [] : [`Ringback: tone ${told.ringback}`]),
    ...hearingIn(told),
    told.record === undefined
      ? 'Record: none'
      : `Record: version ${told.record.version}, from ${told.record.source}`,
  ]
  return `${lines.join('\n')}\n`
}

function decisionIn({ decision, callee, x, trunks = [], controlUrl, at }: Simulation): string {
  switch (decision) {
    case 'connect':
      return `Connected at ${at}: ${callee ?? ''} is rung from ${x} over ${trunks.join(', then ')}.`
    case 'ask-digits':
      return `At ${at} the caller is asked for the extension.`
    case 'ask-customer':
      return `At ${at} ${controlUrl ?? ''} is asked what to do.`
    case 'refuse':
      return `Refused at ${at}.`
  }
}

function bindingIn({ bindingId, callerRole, bindingExpiresAt }: Simulation): string[] {
  if (bindingId === undefined) return []
  return [
    `Binding: ${bindingId} until ${bindingExpiresAt ?? ''}, the caller is ${callerRole ?? ''}`,
  ]
}

function hearingIn({ decision, hears }: Simulation): string[] {
  if (hears === undefined) return []
  const { sipStatus, q850, reason, controlMsg } = hears
  const when = decision === 'refuse' ? 'The caller hears' : 'Where that cannot be, the caller hears'
  return [`${when}: SIP ${sipStatus}, Q.850 ${q850} (${reason}, ${controlMsg})`]
}
