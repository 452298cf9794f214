import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { startChild } from './child-process.ts'
import { ownProgram, projectFolder } from './own-program.ts'
import type { PartProgram } from './part.ts'

/** One of our own servers, as a part. Its addresses are known once it has started, and stay. */
export type StandIn = {
  readonly program: PartProgram
  /** Where the engine connects to it. */
  readonly url: () => string
  /** Where it takes SIP, `host:port`. */
  readonly sipAddress: () => string
}

/** The SIP server that speaks the drachtio client protocol. */
export function createSipStandIn(options: {
  readonly host: string
  readonly sipPort: number
  readonly clientPort: number
  readonly logDir: string
}): StandIn {
  const secret = newSecret()
  const addresses = createAddresses({ sip: options.sipPort, client: options.clientPort })
  return {
    program: createStandIn({
      name: 'sip',
      logDir: options.logDir,
      args: () => ({
        host: options.host,
        'sip-port': addresses.port('sip'),
        'client-port': addresses.port('client'),
        secret,
      }),
      onReady: addresses.learn,
    }),
    url: () => `drachtio://:${secret}@${addresses.text('client')}`,
    sipAddress: () => addresses.text('sip'),
  }
}

/** The media server that speaks the FreeSWITCH event socket. */
export function createMediaStandIn(options: {
  readonly host: string
  readonly sipPort: number
  readonly eslPort: number
  readonly rtpPortMin: number
  readonly rtpPortMax: number
  readonly logDir: string
}): StandIn {
  const password = newSecret()
  const addresses = createAddresses({ sip: options.sipPort, esl: options.eslPort })
  return {
    program: createStandIn({
      name: 'media',
      logDir: options.logDir,
      args: () => ({
        host: options.host,
        'sip-port': addresses.port('sip'),
        'esl-port': addresses.port('esl'),
        password,
        'rtp-min': options.rtpPortMin,
        'rtp-max': options.rtpPortMax,
      }),
      onReady: addresses.learn,
    }),
    url: () => `freeswitch://:${password}@${addresses.text('esl')}`,
    sipAddress: () => addresses.text('sip'),
  }
}

/** New for every run: nothing has to be kept, and nobody can guess it. */
/** Hex: a secret that begins with a dash would be read as an option. */
const newSecret = () => randomBytes(18).toString('hex')

/** What was asked for until the first start, what was got from then on: a restarted part comes back at the same address. */
function createAddresses<Name extends string>(asked: Readonly<Record<Name, number>>) {
  const got = new Map<string, string>()
  return {
    port: (name: Name) => Number(got.get(name)?.split(':').at(-1) ?? asked[name]),
    text(name: Name): string {
      const text = got.get(name)
      if (text === undefined) throw new Error(`address '${name}' is not known before the start`)
      return text
    },
    learn(facts: Readonly<Record<string, unknown>>): void {
      for (const name of Object.keys(asked)) {
        const text = facts[name]
        if (typeof text === 'string') got.set(name, text)
      }
    },
  }
}

type StandInOptions = {
  readonly name: 'sip' | 'media'
  readonly logDir: string
  /** Command line options with their values; asked anew for each start. */
  args(): Readonly<Record<string, string | number>>
  /** The line that it prints when it serves. */
  onReady(facts: Readonly<Record<string, unknown>>): void
}

/** Either of our own programs: `sip/main` and `media/main` beside this file, compiled or as source. */
function createStandIn(options: StandInOptions): PartProgram {
  const { name, logDir } = options
  return {
    name,
    endSteps: [
      ['SIGTERM', 10_000],
      ['SIGKILL', 5000],
    ],
    launch: () =>
      startChild({
        command: [...ownProgram(`embedded/${name}/main`), ...argumentList(options.args())],
        deathSignal: 'TERM',
        logFile: join(logDir, `${name}.log`),
        talks: true,
        cwd: projectFolder,
      }),
    async ready(child) {
      const line = await child.nextLine()
      // Without a line the program has ended, and its exit says more than we could.
      if (line === undefined) return new Promise(() => undefined)
      const facts = parseFacts(line)
      const { ready } = facts
      if (ready !== true) throw new Error(`${name} said '${line}' instead of being ready`)
      options.onReady(facts)
    },
  }
}

function argumentList(args: Readonly<Record<string, string | number>>): readonly string[] {
  return Object.entries(args).flatMap(([option, value]) => [`--${option}`, String(value)])
}

function parseFacts(line: string): Readonly<Record<string, unknown>> {
  try {
    const facts: unknown = JSON.parse(line)
    return typeof facts === 'object' && facts !== null ? { ...facts } : {}
  } catch {
    return {}
  }
}
