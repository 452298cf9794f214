import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

/**
 * Numbers are masked by their type (`PhoneNumber`). The redaction below is the second fence, for
 * fields that by their name could hold a secret.
 */
export function createLogger(options: {
  level: string
  name?: string
  destination?: string
}): Logger {
  return pino(
    {
      level: options.level,
      ...(options.name === undefined ? {} : { name: options.name }),
      redact: [
        'token',
        'secret',
        'password',
        'authorization',
        '*.token',
        '*.secret',
        '*.password',
        '*.authorization',
      ],
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: options.destination ?? 1, sync: false }),
  )
}
