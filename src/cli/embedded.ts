import { type Command, InvalidArgumentError } from 'commander'
import { type CliDeps, CliError, type EmbeddedOptions, type EmbeddedParts } from './deps.ts'
import { dataFolder } from './places.ts'

const help = `
The SIP and media parts are stand-ins for laptops, demos and tests: they speak the protocols of
drachtio server and FreeSWITCH, but are no replacement for them. Port 0 takes any free one.
Without any of --sip-port, --media-port, --postgres and --redis all four are started.
Prints the settings that an engine needs to use them, and runs until SIGTERM or SIGINT.

Examples:
  axbridge embedded
  axbridge embedded --sip-port 5060 --media-port 5080`

type Options = {
  sipPort?: number
  mediaPort?: number
  clientPort?: number
  eslPort?: number
  host: string
  data?: string
  postgres?: boolean
  redis?: boolean
}

export function addEmbeddedCommand(program: Command, deps: CliDeps): void {
  program
    .command('embedded')
    .description('Run the embedded parts (SIP, media, Postgres, Redis) without the engine.')
    .option('--sip-port <port>', 'start the SIP part; callers send SIP here', parsePort)
    .option('--media-port <port>', 'start the media part; its SIP port', parsePort)
    .option('--client-port <port>', 'where engines connect to the SIP part', parsePort)
    .option('--esl-port <port>', 'where engines connect to the media part', parsePort)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <folder>', 'where data is kept (default: AXBRIDGE_DATA or .data)')
    .option('--postgres', 'start a private Postgres')
    .option('--redis', 'start a private Redis')
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const running = new AbortController()
      const ends = AbortSignal.any([deps.stopped, running.signal])
      const deaths: string[] = []
      const parts = await deps.embedded({
        ...wanted(options, deps),
        onExit(part, how) {
          deaths.push(`${part} ${how}`)
          running.abort()
        },
      })
      deps.out(settingsText(parts))
      await untilAborted(ends)
      await parts.stop()
      if (deaths.length > 0) throw new CliError(`a part died: ${deaths.join(', ')}`)
    })
}

function wanted(options: Options, deps: CliDeps): Omit<EmbeddedOptions, 'onExit'> {
  const { sipPort, mediaPort, clientPort, eslPort } = options
  const start = {
    postgres: options.postgres === true,
    redis: options.redis === true,
    sip: sipPort !== undefined,
    media: mediaPort !== undefined,
  }
  const none = !Object.values(start).some(Boolean)
  return {
    dataDir: options.data ?? dataFolder(deps.env),
    host: options.host,
    start: none ? { postgres: true, redis: true, sip: true, media: true } : start,
    ...(sipPort === undefined ? {} : { sipPort }),
    ...(mediaPort === undefined ? {} : { mediaPort }),
    ...(clientPort === undefined ? {} : { clientPort }),
    ...(eslPort === undefined ? {} : { eslPort }),
  }
}

/** Lines that a shell can take over as they are. */
function settingsText(parts: EmbeddedParts): string {
  const lines = [
    ['DATABASE_URL', parts.databaseUrl],
    ['REDIS_URL', parts.redisUrl],
    ['DRACHTIO_URL', parts.drachtioUrl],
    ['FREESWITCH_URLS', parts.freeswitchUrls],
  ]
  const settings = lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}='${value}'\n`)
  const sip = parts.sipAddress === undefined ? '' : `# SIP is at ${parts.sipAddress}\n`
  return `${settings.join('')}${sip}# running; SIGTERM or Ctrl-C stops\n`
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    // A signal alone does not keep the process up when every part is a process of its own.
    const hold = setInterval(() => {}, 60_000)
    const end = () => {
      clearInterval(hold)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
  })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('A port is a whole number from 0 to 65535.')
  }
  return port
}
