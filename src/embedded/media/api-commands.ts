import { randomUUID } from 'node:crypto'
import type { Bridging } from './bridging.ts'
import type { Channel } from './channel.ts'
import { channelDump } from './channel-data.ts'
import { splitOnce } from './esl-text.ts'
import { samplesPerMs } from './g711.ts'
import { isCause } from './hangup-cause.ts'
import type { Recorder } from './recorder.ts'

export type ApiCommands = (command: string) => string | Promise<string>

type Answer = string | Promise<string>

const noChannel = '-ERR No such channel!\n'

/** The commands of the `api` verb, with the words of the real server's answers. */
export function createApiCommands(deps: {
  channels: ReadonlyMap<string, Channel>
  bridging: Bridging
  recorder: Recorder
  sipAddress(): string
  startedAt: Date
}): ApiCommands {
  const { channels, bridging, recorder } = deps

  /** Commands about one channel: its uuid comes first, the rest is the argument. */
  const ofChannel: Readonly<Record<string, (channel: Channel, rest: string) => Answer>> = {
    uuid_break(channel, rest) {
      channel.break(rest.includes('all'))
      if (rest.includes('both')) channel.partner?.break(rest.includes('all'))
      return '+OK\n'
    },
    uuid_transfer(channel, rest) {
      bridging.park(channel, rest.includes('-both'))
      return '+OK\n'
    },
    uuid_park(channel) {
      bridging.park(channel, false)
      return '+OK\n'
    },
    uuid_kill(channel, cause) {
      channel.hangUp(isCause(cause) ? cause : 'NORMAL_CLEARING')
      return '+OK\n'
    },
    uuid_dump: (channel) => channelDump(channel),
    uuid_setvar(channel, rest) {
      const [name, value = ''] = splitOnce(rest, ' ')
      if (name === '') return '-ERR No variable specified\n'
      if (value === '') channel.variables.delete(name)
      else channel.variables.set(name, value)
      return '+OK\n'
    },
    uuid_getvar(channel, name) {
      if (name === '') return '-ERR No variable name specified!\n'
      return channel.variables.get(name) ?? '_undef_'
    },
    uuid_send_dtmf(channel, rest) {
      const [digits, ms] = splitOnce(rest, '@')
      for (const digit of digits) {
        channel.rtp.sender.queueDigit(digit, (Number(ms) || 250) * samplesPerMs)
      }
      return `+OK ${channel.uuid} sent DTMF ${rest}.\n`
    },
    uuid_broadcast(channel, rest) {
      const [path, legs = 'aleg'] = rest.split(/\s+/)
      if (path === undefined || path === '') return '-USAGE: <uuid> <path> [aleg|bleg|both]\n'
      const other = legs === 'aleg' ? undefined : channel.partner
      for (const leg of [legs === 'bleg' ? undefined : channel, other]) broadcast(leg, path)
      return '+OK Message sent\n'
    },
  }

  const plain: Readonly<Record<string, (argument: string) => Answer>> = {
    sofia: (argument) => sofia(argument, deps.sipAddress(), channels.size),
    status: () => status(deps.startedAt, channels.size),
    show: (argument) => show(argument, channels),
    create_uuid: () => randomUUID(),
    uuid_exists: (uuid) => String(channels.has(uuid)),
    uuid_bridge: (argument) => uuidBridge(argument, channels, bridging),
    uuid_record: (argument) => uuidRecord(argument, channels, recorder),
    uuid_set_media_stats: (uuid) =>
      channels.has(uuid) ? '+OK:\n' : `-ERR No such channel ${uuid}!\n`,
    version: () => 'AXBridge media stand-in (not FreeSWITCH)\n',
  }

  return (command) => {
    const [name, argument = ''] = splitOnce(command.trim(), ' ')
    const general = plain[name]
    if (general !== undefined) return general(argument.trim())
    const forChannel = ofChannel[name]
    if (forChannel === undefined) return `-ERR ${name} Command not found!\n`
    const [uuid, rest = ''] = splitOnce(argument.trim(), ' ')
    if (uuid === '') return `-USAGE: ${name} <uuid>\n`
    const channel = channels.get(uuid)
    return channel === undefined ? noChannel : forChannel(channel, rest.trim())
  }
}

/** A file, or `application::argument`, without anybody waiting for its end. */
function broadcast(channel: Channel | undefined, what: string): void {
  const [application, argument] = splitOnce(what, '::')
  channel?.execute({
    application: argument === undefined ? 'playback' : application,
    argument: argument ?? what,
    eventUuid: undefined,
    loops: 1,
  })
}

function uuidBridge(
  argument: string,
  channels: ReadonlyMap<string, Channel>,
  bridging: Bridging,
): string {
  const [one, two] = argument.split(/\s+/)
  if (one === undefined || two === undefined) return '-USAGE: <uuid> <other_uuid>\n'
  const a = channels.get(one)
  const b = channels.get(two)
  if (a === undefined || b === undefined || !bridging.bridge(a, b)) return '-ERR Invalid uuid\n'
  return `+OK ${two}\n`
}

function uuidRecord(
  argument: string,
  channels: ReadonlyMap<string, Channel>,
  recorder: Recorder,
): Answer {
  const [uuid, action, path, limit] = argument.split(/\s+/)
  const channel = channels.get(uuid ?? '')
  if (channel === undefined) return '-ERR Cannot locate session!\n'
  if (path === undefined || !(action === 'start' || action === 'stop')) {
    return '-USAGE: <uuid> [start|stop] <path> [<limit>]\n'
  }
  if (action === 'start') {
    const started = recorder.startSession(channel, path, Number(limit) || 0)
    return started ? '+OK Success\n' : '-ERR Cannot record session!\n'
  }
  return recorder
    .stop(channel, path)
    .then((stopped) => (stopped ? '+OK Success\n' : '-ERR Cannot stop record session!\n'))
}

function sofia(argument: string, sipAddress: string, calls: number): string {
  if (!argument.startsWith('status')) return '-ERR Command not found!\n'
  const line = '='.repeat(97)
  return [
    '                     Name\t   Type\t                                      Data\tState',
    line,
    `             drachtio_mrf\tprofile\t              sip:mod_sofia@${sipAddress}\tRUNNING (${calls})`,
    line,
    '1 profile 0 aliases',
    '',
  ].join('\n')
}

function status(startedAt: Date, calls: number): string {
  const seconds = Math.floor((Date.now() - startedAt.getTime()) / 1000)
  return [
    `UP 0 years, ${Math.floor(seconds / 86_400)} days, ${Math.floor(seconds / 3600) % 24} hours, ${
      Math.floor(seconds / 60) % 60
    } minutes, ${seconds % 60} seconds`,
    'AXBridge media stand-in is ready',
    `${calls} session(s) - now`,
    '',
  ].join('\n')
}

function show(argument: string, channels: ReadonlyMap<string, Channel>): string {
  const [what, how] = argument.split(/\s+/)
  if (what !== 'channels' && what !== 'calls') return '-ERR Command not found!\n'
  if (how === 'count') return `\n${channels.size} total.\n`
  const lines = [...channels.values()].map(
    ({ uuid, createdAt, base }) => `${uuid},inbound,${createdAt.toISOString()},${base}`,
  )
  return ['uuid,direction,created,application', ...lines, '', `${channels.size} total.`, ''].join(
    '\n',
  )
}
