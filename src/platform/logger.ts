import { type Logger as PinoLogger, pino } from 'pino'
import { maskDigitRuns } from './masking.ts'

export type Logger = PinoLogger

/**
 * Numbers are masked by their type (`PhoneNumber`). Errors are masked here, because their texts
 * come from libraries that quote what they choked on. Fields that by their name could hold a
 * secret are removed.
 */
export function createLogger(options: {
  level: string
  name?: string
  /** A descriptor, or a file; standard output when left out. */
  destination?: string | number
}): Logger {
  return pino(
    {
      level: options.level,
      ...(options.name === undefined ? {} : { name: options.name }),
      serializers: { err: maskedError },
      redact: ['token', 'secret', 'password', 'authorization'],
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    gathered(options.destination ?? 1),
  )
}

/** A write costs more than all the rest of a line, so lines go out together, this long after the first of them. */
const gatherMs = 200
const gatherBytes = 8_192

/** What is still here when the process ends in whatever way but by SIGKILL is written then. */
function gathered(dest: string | number): { write(line: string): void } {
  const destination = pino.destination({ dest, sync: false, minLength: gatherBytes })
  let waitingBytes = 0
  let timer: NodeJS.Timeout | undefined
  destination.on('write', (bytes: number) => {
    waitingBytes -= bytes
  })
  // A flush in the way of a write does nothing.
  destination.on('drain', () => {
    if (waitingBytes > 0) flushSoon()
  })

  function flush(): void {
    timer = undefined
    if (waitingBytes > 0) destination.flush()
  }

  function flushSoon(): void {
    if (timer === undefined) timer = setTimeout(flush, gatherMs).unref()
  }

  return {
    write(line) {
      waitingBytes += Buffer.byteLength(line)
      destination.write(line)
      flushSoon()
    },
  }
}

function maskedError(err: unknown): object {
  if (!(err instanceof Error)) return { message: maskDigitRuns(String(err)) }
  return {
    type: err.name,
    message: maskDigitRuns(err.message),
    stack: maskDigitRuns(err.stack ?? ''),
    ...('code' in err && typeof err.code === 'string' ? { code: err.code } : {}),
    ...('status' in err && typeof err.status === 'number' ? { status: err.status } : {}),
    ...(err.cause === undefined ? {} : { cause: maskedError(err.cause) }),
  }
}

/**
 * Libraries print to the console, whole SIP messages among it. From here on the console is the
 * log, with every digit run masked. Called once, by the process.
 */
export function captureConsole(log: Logger): void {
  const write = (level: 'debug' | 'info' | 'warn') => (first: unknown, second: unknown) => {
    const text = [first, second].filter((part) => typeof part === 'string').join(' ')
    const err = [first, second].find((part) => part instanceof Error)
    log[level]({ ...(err === undefined ? {} : { err }), text: maskDigitRuns(text) }, 'library said')
  }
  Object.assign(globalThis.console, {
    log: write('info'),
    info: write('info'),
    debug: write('debug'),
    warn: write('warn'),
    error: write('warn'),
    trace: write('debug'),
  })
}
