import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseCount } from './count.ts'
import { CliError } from './deps.ts'
import { parseDuration } from './duration.ts'

/** What a binding may be told of its calls, in `add` and in `update`. */
export type TermOptions = {
  a?: string
  b?: string
  group?: string
  for?: number
  until?: string
  record?: boolean
  ringback?: string
  tone?: Record<string, string>
  ringSeconds?: number
  talkSeconds?: number
  restrict?: 'ax' | 'bx'
  outId?: string
  outOrderId?: string
  asrModel?: string
}

export function addTermOptions(command: Command): Command {
  return command
    .option('--group <id>', 'AXG: the group whose numbers may call X')
    .option('--for <duration>', 'how long it lives from now: 90s, 30m, 2h, 7d', parseDuration)
    .option('--until <time>', 'or until when (RFC 3339), such as 2030-01-31T23:59:59+08:00')
    .option('--record', 'record its calls')
    .option('--ringback <code>', 'code of the tone that whoever calls hears while it rings')
    .option(
      '--tone <moment=code>',
      'tone of one moment: a, alone, peer, aPickup, peerPickup (can be repeated)',
      parseTone,
    )
    .option('--ring-seconds <n>', 'how long the callee rings', parseCount)
    .option('--talk-seconds <n>', 'longest call', parseCount)
    .addOption(
      new Option('--restrict <side>', 'side that may not call X: A, or everybody else').choices([
        'ax',
        'bx',
      ]),
    )
    .option('--out-id <text>', 'your own id, given back in every report')
    .option('--out-order-id <text>', 'your own order number, only kept')
    .option('--asr-model <id>', 'write its recordings down, by this speech model')
}

const moments = ['a', 'alone', 'peer', 'aPickup', 'peerPickup']

function parseTone(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [moment = '', code = ''] = text.split('=')
  if (!moments.includes(moment) || code === '') {
    throw new InvalidArgumentError(`Give ${moments.join(', ')}, an equals sign and the code.`)
  }
  return { ...before, [moment]: code }
}

/** The fields of a request; those that were not given are undefined. */
export function termsOf(options: TermOptions, nowMs: number): object {
  const { ringback, tone, restrict, asrModel } = options
  const both = ringback === undefined ? {} : { a: ringback, peer: ringback }
  return {
    phoneA: options.a,
    phoneB: options.b,
    groupId: options.group,
    expiresAt: expiryOf(options, nowMs),
    recording: options.record,
    tones: ringback === undefined && tone === undefined ? undefined : { ...both, ...tone },
    ringSeconds: options.ringSeconds,
    talkSeconds: options.talkSeconds,
    callRestrict: restrict === undefined ? undefined : `CONTROL_${restrict.toUpperCase()}_DISABLE`,
    outId: options.outId,
    outOrderId: options.outOrderId,
    asr: asrModel === undefined ? undefined : true,
    asrModel,
  }
}

function expiryOf({ for: seconds, until }: TermOptions, nowMs: number): string | undefined {
  if (seconds !== undefined && until !== undefined) {
    throw new CliError('say how long the binding lives: either --for or --until')
  }
  if (seconds === undefined) return until
  return new Date(nowMs + seconds * 1000).toISOString().replace(/\.\d+/, '')
}

export function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
