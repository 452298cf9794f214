import type { Settings } from '../platform/settings.ts'

export type Role = 'router' | 'api' | 'worker'

/** The settings that commands other than `serve` look at, one by one: those must work when others are faulty. */
export type CliEnv = Readonly<
  Partial<
    Record<
      | 'AXBRIDGE_ADMIN_TOKEN'
      | 'AXBRIDGE_API'
      | 'AXBRIDGE_DATA'
      | 'AXBRIDGE_KEY_FILE'
      | 'AXBRIDGE_TOKEN'
      | 'DATABASE_URL'
      | 'DRACHTIO_URL'
      | 'FREESWITCH_URLS'
      | 'HTTP_HOST'
      | 'HTTP_PORT'
      | 'JOURNAL_DIR'
      | 'MEDIA_LISTEN_HOST'
      | 'MEDIA_LISTEN_PORT'
      | 'RECORDINGS_DIR'
      | 'REDIS_URL'
      | 'TONES_DIR',
      string | undefined
    >
  >
>

/** What the commands need from the rest of the program. Only `main` knows the real ones. */
export type CliDeps = {
  readonly env: CliEnv
  readonly version: string
  out(text: string): void
  err(text: string): void
  /** Aborted by the first SIGINT or SIGTERM: ends the commands that run until told to stop. */
  readonly stopped: AbortSignal
  readonly fetch: typeof fetch
  /** Resolves when the engine has drained and closed. */
  serve(settings: Settings, roles: readonly Role[]): Promise<void>
  /** Names of the migrations that were run. */
  migrate(databaseUrl: string): Promise<readonly string[]>
  embedded(options: EmbeddedOptions): Promise<EmbeddedParts>
  /** Call events as reports with masked numbers, from now on, until `stopped`. */
  tailCalls(options: TailOptions): AsyncIterable<object>
  /** The queue of call events, open while `work` is at it. */
  useEvents<T>(redisUrl: string, work: (events: EventTools) => Promise<T>): Promise<T>
}

export type EmbeddedOptions = {
  readonly dataDir: string
  /** Of the SIP and media parts. */
  readonly host: string
  readonly start: { postgres: boolean; redis: boolean; sip: boolean; media: boolean }
  readonly sipPort?: number
  readonly mediaPort?: number
  readonly clientPort?: number
  readonly eslPort?: number
  /** A part died though nobody asked for it. */
  onExit(part: string, how: string): void
}

export type EmbeddedParts = {
  readonly databaseUrl?: string | undefined
  readonly redisUrl?: string | undefined
  readonly drachtioUrl?: string | undefined
  readonly freeswitchUrls?: string | undefined
  readonly sipAddress?: string | undefined
  stop(): Promise<void>
}

export type EventTools = {
  dead(limit: number): Promise<
    readonly {
      readonly id: string
      readonly putAsideAt: Date
      readonly group: string
      readonly reason: string
      readonly eventId: string | undefined
    }[]
  >
  resend(ids: readonly string[]): Promise<number>
  resendAll(): Promise<number>
  replay(group: string, from: Date): Promise<number>
}

type TailOptions = {
  readonly redisUrl: string
  readonly keyFile: string
  readonly stopped: AbortSignal
}

/** Something the person at the keyboard can act on: printed as one line, without a stack. */
export class CliError extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options)
    this.name = 'CliError'
  }
}
