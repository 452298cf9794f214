import { openLines, textIn } from './bench-line.ts'
import { aAt, bAt } from './bench-people.ts'
import { runHelper, timed } from './bench-process.ts'

export type ClientSetup = {
  readonly port: number
  readonly token: string
  readonly poolKey: string
  readonly inFlight: number
}

/** `unbind` ends what the `bind` before it has made. Done: how many per second. */
export type WriteTask =
  | { readonly do: 'bind'; readonly from: number; readonly count: number }
  | { readonly do: 'unbind' }

function binds(
  { port, token, poolKey }: ClientSetup,
  { from, count }: { from: number; count: number },
): Buffer[] {
  const expiresAt = new Date(Date.now() + 24 * 3_600_000).toISOString()
  return Array.from({ length: count }, (_, at) => {
    const parties = { phoneA: aAt(from + at), phoneB: bAt(from + at) }
    const body = JSON.stringify({ poolKey, ...parties, expiresAt })
    return Buffer.from(
      `POST /v1/bindings HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })
}

function unbinds({ port, token }: ClientSetup, ids: readonly string[]): Buffer[] {
  return ids.map((id) =>
    Buffer.from(
      `DELETE /v1/bindings/${id} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n` +
        `authorization: Bearer ${token}\r\n\r\n`,
    ),
  )
}

/**
 * Requests are laid out before the clock starts, and nothing is read of an answer but the status and
 * the id.
 */
runHelper<ClientSetup, WriteTask, number>(async (setup) => {
  const lines = await openLines(setup.port, setup.inFlight)
  let bound: string[] = []
  return {
    async do(task) {
      const ended = bound
      bound = []
      const jobs =
        task.do === 'bind'
          ? binds(setup, task).map((request) => async () => {
              bound.push(textIn(await lines.ask(request, '201'), 'id'))
            })
          : unbinds(setup, ended).map((request) => async () => {
              await lines.ask(request, '204')
            })
      return timed(jobs, setup.inFlight)
    },
    close: async () => lines.close(),
  }
})
