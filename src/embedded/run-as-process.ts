import { createInterface } from 'node:readline'

type Runnable = { stop(): Promise<void>; counts(): object }

/**
 * A stand-in as a process of its own. Prints one line of JSON when it is ready, answers the line
 * `counts` on its standard input with what it holds, and stops on SIGTERM, SIGINT, or when that
 * input ends: its parent is gone.
 */
export function runAsProcess(
  name: string,
  start: () => Promise<{ readonly server: Runnable; readonly addresses: object }>,
): void {
  run(start).catch((error: unknown) => {
    process.stderr.write(`the ${name} could not start: ${String(error)}\n`)
    process.exitCode = 1
  })
}

async function run(
  start: () => Promise<{ readonly server: Runnable; readonly addresses: object }>,
): Promise<void> {
  const { server, addresses } = await start()
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

function print(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}

function stopOnce(server: Runnable): () => void {
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
