import { createServer } from 'node:net'
import { type Finding, fail, ok, reasonOf } from './finding.ts'

/** Whether the engine could listen there; or whether it is an AXBridge that already does. */
export async function checkPort(options: {
  part: string
  host: string
  port: number
  setting: string
  fetch: typeof fetch
}): Promise<Finding[]> {
  const { host, port, setting } = options
  const part = `${options.part} port`
  try {
    await listenOnce(host, port)
    return [ok(part, `${host}:${port} is free`)]
  } catch (err) {
    const code = err instanceof Error && 'code' in err ? err.code : undefined
    if (code !== 'EADDRINUSE') {
      return [fail(part, `${host}:${port}: ${reasonOf(err)}`, `correct ${setting}`)]
    }
    return (await isOurs(options))
      ? [ok(part, `${host}:${port} is taken by a running AXBridge`)]
      : [
          fail(
            part,
            `${host}:${port} is taken by another program`,
            `stop it, or set another ${setting}`,
          ),
        ]
  }
}

function listenOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}

async function isOurs(options: {
  host: string
  port: number
  fetch: typeof fetch
}): Promise<boolean> {
  const anywhere = options.host === '0.0.0.0' || options.host === '::'
  const host = anywhere ? '127.0.0.1' : options.host
  const shown = host.includes(':') ? `[${host}]` : host
  try {
    const answer = await options.fetch(`http://${shown}:${options.port}/healthz`, {
      signal: AbortSignal.timeout(2_000),
    })
    return ((await answer.json()) as { status?: unknown }).status === 'alive'
  } catch {
    return false
  }
}
