import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Static, Type } from 'typebox'
import { Settings as TypeBox } from 'typebox/system'
import { Value } from 'typebox/value'

const port = (fallback: number) => Type.Integer({ minimum: 1, maximum: 65_535, default: fallback })

const Settings = Type.Object({
  DATABASE_URL: Type.String({ pattern: '^postgres(ql)?://' }),
  REDIS_URL: Type.String({ pattern: '^(rediss?|unix)://' }),
  /** Comma list of `drachtio://:secret@host:port`. */
  DRACHTIO_URL: Type.String({ minLength: 1 }),
  /** Comma list of `freeswitch://:password@host:port`. */
  FREESWITCH_URLS: Type.String({ minLength: 1 }),
  /** Address and port range of ours that FreeSWITCH connects back to. */
  MEDIA_LISTEN_HOST: Type.String({ default: '127.0.0.1' }),
  MEDIA_LISTEN_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 0 }),
  HTTP_HOST: Type.String({ default: '127.0.0.1' }),
  HTTP_PORT: port(8080),
  /** Comma list of addresses and CIDR blocks of proxies whose `X-Forwarded-For` is believed. */
  HTTP_TRUSTED_PROXIES: Type.Optional(Type.String({ pattern: '^[0-9A-Fa-f:./, ]+$' })),
  /** Where people's phones reach this server, for links that it gives out; by default HTTP_HOST and HTTP_PORT. */
  PUBLIC_URL: Type.Optional(Type.String({ pattern: '^https?://[^\\s?#]+$' })),
  /** Of one token, or of one address without one, in each process; a token may have a limit of its own. */
  HTTP_REQUESTS_PER_MINUTE_MAX: Type.Integer({ minimum: 1, default: 6000 }),
  /** An access key of the first account that is there from the start; both or neither. */
  AXBRIDGE_ACCESS_KEY_ID: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z]{16,128}$' })),
  AXBRIDGE_ACCESS_KEY_SECRET: Type.Optional(Type.String({ minLength: 16, maxLength: 256 })),
  /** What the RPC API repeats of a request whose signature is wrong: `exact` shows the numbers in it, as some SDKs need to tell a wrong secret. */
  RPC_ECHO: Type.Enum(['masked', 'exact'], { default: 'masked' }),
  /** Bearer token of the first administrator. */
  AXBRIDGE_ADMIN_TOKEN: Type.String({ minLength: 16 }),
  /** Folder for journal, recordings, tones and keys unless they are set one by one. */
  AXBRIDGE_DATA: Type.String({ default: '.data' }),
  /** File with the keys for numbers at rest: lines `<id> <64 hex digits>`, the first is used for new values. */
  AXBRIDGE_KEY_FILE: Type.Optional(Type.String({ minLength: 1 })),
  JOURNAL_DIR: Type.Optional(Type.String({ minLength: 1 })),
  /** Must be the same folder for the engine and FreeSWITCH. */
  RECORDINGS_DIR: Type.Optional(Type.String({ minLength: 1 })),
  TONES_DIR: Type.Optional(Type.String({ minLength: 1 })),
  /** Name of this router in leases and call records; unique among routers and among runs, since containers start with the same host name and pid. */
  ROUTER_ID: Type.String({ default: `${hostname()}-${randomBytes(3).toString('hex')}` }),
  DEFAULT_COUNTRY: Type.String({ pattern: '^[A-Z]{2}$', default: 'CN' }),
  CALLS_MAX: Type.Integer({ minimum: 1, default: 1000 }),
  CALLS_PER_SECOND_MAX: Type.Integer({ minimum: 1, default: 200 }),
  /** What a caller who matches no binding hears from us: 403 or 404. */
  UNMATCHED_SIP_STATUS: Type.Union([Type.Literal(403), Type.Literal(404)], { default: 403 }),
  /** What a new pool says unless it is told otherwise. */
  RING_SECONDS_MAX: Type.Integer({ minimum: 5, maximum: 180, default: 60 }),
  TALK_SECONDS_MAX: Type.Integer({ minimum: 60, maximum: 86_400, default: 14_400 }),
  /** Whether the control URL of an X mode pool may lead into this network. */
  CONTROL_URL_PRIVATE_HOSTS: Type.Boolean({ default: false }),
  /** Whether receipts may be pushed into this network. */
  RECEIPT_PRIVATE_HOSTS: Type.Boolean({ default: false }),
  /** How long receipts are kept, delivered or not. A queue keeps them for 15 days at most. */
  RECEIPT_KEEP_DAYS: Type.Integer({ minimum: 15, maximum: 3650, default: 15 }),
  /** How long entries of the audit log are kept; 0: for ever. */
  AUDIT_KEEP_DAYS: Type.Integer({ minimum: 0, maximum: 36_500, default: 400 }),
  /** Comma list of `host:port`; without it nothing goes to Kafka. */
  KAFKA_BROKERS: Type.Optional(
    Type.String({ pattern: '^[^\\s,:/@]+:\\d{1,5}(\\s*,\\s*[^\\s,:/@]+:\\d{1,5})*$' }),
  ),
  /** `{account}` and `{type}` are filled in. */
  KAFKA_TOPIC: Type.String({
    pattern: '^([A-Za-z0-9._-]|\\{account\\}|\\{type\\}){1,150}$',
    default: 'axbridge.{account}.{type}',
  }),
  KAFKA_TLS: Type.Boolean({ default: false }),
  /** PEM: who signs the brokers' certificates, where the system does not know it; a certificate of ours and its key. */
  KAFKA_CA_FILE: Type.Optional(Type.String({ minLength: 1 })),
  KAFKA_CERT_FILE: Type.Optional(Type.String({ minLength: 1 })),
  KAFKA_CERT_KEY_FILE: Type.Optional(Type.String({ minLength: 1 })),
  KAFKA_SASL: Type.Enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512'], { default: 'none' }),
  KAFKA_USERNAME: Type.Optional(Type.String({ minLength: 1 })),
  KAFKA_PASSWORD: Type.Optional(Type.String({ minLength: 1 })),
  /** Lines `<first digits>,<city>` for blocks of numbers that our data does not know: see src/numbers/README.md. */
  HOME_CITIES_FILE: Type.Optional(Type.String({ minLength: 1 })),
  /** JSON with prices in yuan where they differ from ours: see src/numbers/price-list.ts. */
  PRICES_FILE: Type.Optional(Type.String({ minLength: 1 })),
  /** How long an X that its owner has released rests before anybody can buy it. */
  NUMBER_REST_DAYS: Type.Integer({ minimum: 0, maximum: 3650, default: 90 }),
  /** How long SIGTERM waits for running calls. */
  DRAIN_SECONDS_MAX: Type.Integer({ minimum: 0, default: 300 }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
  }),
})
export type Settings = Readonly<Static<typeof Settings>>

/** Called once, by main. Names every fault at once, and never prints a value: values can be secrets. */
export function loadSettings(env: NodeJS.ProcessEnv): Settings {
  // Eight by default; every fault is to be named.
  TypeBox.Set({ maxErrors: Object.keys(Settings.properties).length })
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const candidate = Value.Clean(Settings, Value.Default(Settings, Value.Convert(Settings, given)))
  const spying = spiesOnCalls(env['DEBUG'])
  const disagreeing = disagreeingIn(given)
  if (Value.Check(Settings, candidate) && !spying && disagreeing.length === 0) {
    return Object.freeze(candidate)
  }
  const faults = Value.Errors(Settings, candidate).map((each) => faultText(each))
  if (spying) faults.push('DEBUG would have the SIP library print real numbers')
  faults.push(...disagreeing)
  throw new Error(`The settings are not usable:\n  ${[...new Set(faults)].join('\n  ')}`)
}

const together = [
  ['AXBRIDGE_ACCESS_KEY_ID', 'AXBRIDGE_ACCESS_KEY_SECRET'],
  ['KAFKA_USERNAME', 'KAFKA_PASSWORD'],
  ['KAFKA_CERT_FILE', 'KAFKA_CERT_KEY_FILE'],
] as const

/** Settings that are each good, and not good together. */
function disagreeingIn(given: Readonly<Record<string, string | undefined>>): string[] {
  const has = (name: string) => given[name] !== undefined
  const faults = together
    .filter(([one, other]) => has(one) !== has(other))
    .map(([one, other]) => `${one} and ${other} go together: set both or none`)
  const sasl = given['KAFKA_SASL'] ?? 'none'
  if ((sasl !== 'none') !== has('KAFKA_USERNAME')) {
    faults.push('KAFKA_SASL and KAFKA_USERNAME go together: set both or none')
  }
  const files = ['KAFKA_CA_FILE', 'KAFKA_CERT_FILE'].filter(has)
  if (files.length > 0 && given['KAFKA_TLS'] !== 'true') {
    faults.push(`${files.join(' and ')} need KAFKA_TLS=true`)
  }
  return faults
}

/** The libraries read DEBUG themselves and print every SIP message, past the log and its masking. */
function spiesOnCalls(debug: string | undefined): boolean {
  return (debug ?? '').split(/[\s,]+/).some((name) => /^(\*|drachtio)/.test(name))
}

function faultText(fault: {
  keyword: string
  instancePath: string
  message: string
  params: object
}): string {
  if (fault.keyword === 'required' && 'requiredProperties' in fault.params) {
    const names = fault.params.requiredProperties as string[]
    return names.map((name) => `${name} is not set`).join('\n  ')
  }
  return `${fault.instancePath.slice(1)} ${fault.message}`
}
