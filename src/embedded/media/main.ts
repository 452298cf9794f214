import { parseArgs } from 'node:util'
import { runAsProcess } from '../run-as-process.ts'
import { createMediaServer, type MediaServerOptions } from './media-server.ts'

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

runAsProcess('media server', async () => {
  const server = createMediaServer(readOptions())
  return { server, addresses: await server.start() }
})
