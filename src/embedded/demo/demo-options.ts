import { claimPort, freePortFrom } from '../free-port.ts'
import type { CalleeAddress } from './provision.ts'

type Env = Readonly<Record<string, string | undefined>>

export type DemoOptions = {
  readonly once: boolean
  readonly dataDir: string
  /** Address for SIP and RTP of everything that runs here. */
  readonly host: string
  readonly sipPort: number
  readonly httpHost: string
  readonly httpPort: number
  readonly adminToken: string | undefined
  /** Undefined: the built-in callee. */
  readonly callee: CalleeAddress | undefined
  /** Addresses of parts that run elsewhere. */
  readonly elsewhere: {
    readonly databaseUrl: string | undefined
    readonly redisUrl: string | undefined
    readonly drachtioUrl: string | undefined
    readonly freeswitchUrls: string | undefined
  }
}

const sipPortDefault = 5060
const httpPortDefault = 8080

/** A port that was asked for must be free; one that nobody asked for may be another when it is taken. */
export async function readDemoOptions(
  env: Env,
  args: readonly string[],
  say: (text: string) => void,
): Promise<DemoOptions> {
  const unknown = args.filter((each) => each !== '--once')
  if (unknown.length > 0) throw new Error(`unknown option ${unknown[0]}; there is only --once`)
  const given = (name: string) => (env[name] === '' ? undefined : env[name])
  const host = given('SIP_HOST') ?? '127.0.0.1'
  const httpHost = given('HTTP_HOST') ?? '127.0.0.1'
  const drachtioUrl = given('DRACHTIO_URL')
  const sip = { host, name: 'SIP_PORT', given: given('SIP_PORT'), fallback: sipPortDefault }
  const http = { host: httpHost, name: 'HTTP_PORT', given: given('HTTP_PORT') }
  return {
    once: args.includes('--once'),
    dataDir: given('AXBRIDGE_DATA') ?? '.data',
    host,
    // With a server that runs elsewhere, the port is the one that it has.
    sipPort:
      drachtioUrl === undefined
        ? await choosePort({ ...sip, protocols: ['udp', 'tcp'] }, say)
        : portOf(sip.name, sip.given ?? String(sipPortDefault)),
    httpHost,
    httpPort: await choosePort({ ...http, fallback: httpPortDefault, protocols: ['tcp'] }, say),
    adminToken: given('AXBRIDGE_ADMIN_TOKEN'),
    callee: parseCallee(given('DEMO_TRUNK')),
    elsewhere: {
      databaseUrl: given('DATABASE_URL'),
      redisUrl: given('REDIS_URL'),
      drachtioUrl,
      freeswitchUrls: given('FREESWITCH_URLS'),
    },
  }
}

async function choosePort(
  wanted: {
    readonly host: string
    readonly name: string
    readonly given: string | undefined
    readonly fallback: number
    readonly protocols: readonly ('udp' | 'tcp')[]
  },
  say: (text: string) => void,
): Promise<number> {
  const { host, name, given, fallback, protocols } = wanted
  if (given !== undefined) {
    const port = portOf(name, given)
    await claimPort({ host, port, protocols, choose: `set ${name}` })
    return port
  }
  const port = await freePortFrom({ host, port: fallback, protocols })
  if (port !== fallback) say(`port ${fallback} is taken, using ${port} (${name} chooses another)`)
  return port
}

function portOf(name: string, text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new Error(`${name} must be a port between 1 and 65535`)
}

/** `host`, `host:port`, `sip:host:port;transport=tcp`. */
function parseCallee(text: string | undefined): CalleeAddress | undefined {
  if (text === undefined) return undefined
  const pattern = /^(?:sip:)?([\w.-]+)(?::(\d{1,5}))?(?:;transport=(udp|tcp))?$/i
  const match = pattern.exec(text)
  if (match?.[1] === undefined) {
    throw new Error('DEMO_TRUNK must look like host:port or sip:host:port;transport=tcp')
  }
  const transport = match[3]?.toLowerCase() === 'tcp' ? 'tcp' : 'udp'
  return { host: match[1], port: portOf('the port in DEMO_TRUNK', match[2] ?? '5060'), transport }
}
