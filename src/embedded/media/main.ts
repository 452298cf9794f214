import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createMediaServer } from './media-server.ts'

/**
 * The media stand-in as a process of its own. Prints one line of JSON when it is ready, answers the line `counts`
 * on its standard input, and stops on SIGTERM, SIGINT, or when that input ends (its parent is gone).
 */
const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    'sip-port': { type: 'string', default: '0' },
    'esl-port': { type: 'string', default: '0' },
    password: { type: 'string', default: 'ClueCon' },
    'rtp-min': { type: 'string', default: '20000' },
    'rtp-max': { type: 'string', default: '29999' },
    'heartbeat-seconds': { type: 'string', default: '20' },
    'sessions-max': { type: 'string', default: '1000' },
    'rtp-timeout-seconds': { type: 'string', default: '300' },
  },
})

function number(
  name:
    | 'sip-port'
    | 'esl-port'
    | 'rtp-min'
    | 'rtp-max'
    | 'sessions-max'
    | 'heartbeat-seconds'
    | 'rtp-timeout-seconds',
): number {
  const value = Number(values[name])
  if (Number.isFinite(value) && value >= 0) return value
  throw new Error(`--${name} must be a number, not ${values[name]}`)
}

const server = createMediaServer({
  host: values.host,
  sipPort: number('sip-port'),
  eslPort: number('esl-port'),
  password: values.password,
  rtpMin: number('rtp-min'),
  rtpMax: number('rtp-max'),
  heartbeatSeconds: number('heartbeat-seconds'),
  sessionsMax: number('sessions-max'),
  rtpTimeoutSeconds: number('rtp-timeout-seconds'),
  warn: (text) => process.stderr.write(`${text}\n`),
})

let stopping = false

async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  await server.stop()
  process.exit(0)
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

const addresses = await server.start()
process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())
// A parent that is gone cannot read; that must not keep us from stopping in order.
process.stdout.on('error', () => void stop())
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line.trim() === 'counts') print(server.counts())
  })
  .on('close', () => void stop())
print({ ready: true, ...addresses })
