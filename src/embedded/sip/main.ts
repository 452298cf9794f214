import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { traps } from './core.ts'
import { createSipServer, type SipServer } from './sip-server.ts'

/**
 * `--host 127.0.0.1 --sip-port 5060 --client-port 9022 --secret cymru`, port 0 for any free one.
 * Prints one line of JSON when it serves. Ends on SIGTERM, SIGINT, or when whoever started it closes its
 * stdin or dies. The line `counts` on stdin is answered with the counts as a line of JSON.
 */
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

function say(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}

async function main(): Promise<void> {
  const server = createSipServer(readOptions())
  await server.start()
  const { sip, client } = server.addresses()
  const stop = stopOnce(server)
  process.on('SIGTERM', stop).on('SIGINT', stop)
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      if (line.trim() === 'counts') say(server.counts())
    })
    .on('close', stop)
  say({ ready: true, sip: `${sip.host}:${sip.port}`, client: `${client.host}:${client.port}` })
}

function stopOnce(server: SipServer): () => void {
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
  process.stderr.write(`the SIP server could not start: ${String(error)}\n`)
  process.exitCode = 1
})
