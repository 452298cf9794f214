import { parseArgs } from 'node:util'
import { runAsProcess } from '../run-as-process.ts'
import { traps } from './core.ts'
import { createSipServer } from './sip-server.ts'

/** `--host 127.0.0.1 --sip-port 5060 --client-port 9022 --secret cymru`, port 0 for any free one. */
function readOptions() {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      'sip-port': { type: 'string', default: '5060' },
      'client-port': { type: 'string', default: '9022' },
      secret: { type: 'string', default: 'cymru' },
      /** Milliseconds; the waiting times of the protocol are multiples of it. For tests. */
      t1: { type: 'string', default: '500' },
      'session-seconds-min': { type: 'string', default: '90' },
      /** Comma list, see `core.ts`. */
      traps: { type: 'string', default: '' },
    },
  })
  const t1 = Number(values.t1)
  return {
    host: values.host,
    sipPort: Number(values['sip-port']),
    clientPort: Number(values['client-port']),
    secret: values.secret,
    timers: { t1, t2: 8 * t1, t4: 10 * t1 },
    sessionSecondsMin: Number(values['session-seconds-min']),
    traps: traps.filter((trap) => values.traps.split(',').includes(trap)),
  }
}

runAsProcess('SIP server', async () => {
  const server = createSipServer(readOptions())
  await server.start()
  const { sip, client } = server.addresses()
  const addresses = { sip: `${sip.host}:${sip.port}`, client: `${client.host}:${client.port}` }
  return { server, addresses }
})
