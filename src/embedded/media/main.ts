import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createMediaServer, type MediaServer, type MediaServerOptions } from './media-server.ts'

/**
 * The media stand-in as a process of its own. Prints one line of JSON when it is ready, answers the line `counts`
 * on its standard input, and stops on SIGTERM, SIGINT, or when that input ends (its parent is gone).
 */
function readOptions(): MediaServerOptions {
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
  return {
    host: values.host,
    sipPort: number(values['sip-port']),
    eslPort: number(values['esl-port']),
    password: values.password,
    rtpMin: number(values['rtp-min']),
    rtpMax: number(values['rtp-max']),
    heartbeatSeconds: number(values['heartbeat-seconds']),
    sessionsMax: number(values['sessions-max']),
    rtpTimeoutSeconds: number(values['rtp-timeout-seconds']),
    warn: (text) => process.stderr.write(`${text}\n`),
  }
}

function number(text: string): number {
  const value = Number(text)
  if (text !== '' && Number.isFinite(value) && value >= 0) return value
  throw new Error(`a number is wanted, not "${text}"`)
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

async function main(): Promise<void> {
  const server = createMediaServer(readOptions())
  const addresses = await server.start()
  const stop = stopOnce(server)
  process.on('SIGTERM', stop).on('SIGINT', stop)
  // A parent that is gone cannot read; that must not keep us from stopping in order.
  process.stdout.on('error', stop)
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line.trim() === 'counts') print(server.counts())
    })
    .on('close', stop)
  print({ ready: true, ...addresses })
}

function stopOnce(server: MediaServer): () => void {
  let isStopping = false
  return () => {
    if (isStopping) return
    isStopping = true
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`the media server could not start: ${String(error)}\n`)
  process.exitCode = 1
})
