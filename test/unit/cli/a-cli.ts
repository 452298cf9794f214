import type { CliDeps } from '../../../src/cli/deps.ts'
import { runCli } from '../../../src/cli/program.ts'

export type Run = { code: number; out: string; err: string }

export type Asked = {
  method: string
  url: string
  headers: Record<string, string>
  body: unknown
}

/** One command line on fakes; `answer` stands for the API. */
export async function cli(
  args: readonly string[],
  given: Partial<CliDeps> & { answer?: (asked: Asked) => Response } = {},
): Promise<Run & { asked: Asked[] }> {
  const run: Run = { code: 0, out: '', err: '' }
  const asked: Asked[] = []
  const refuse = () => Promise.reject(new Error('not in this test'))
  const { answer, ...deps } = given
  run.code = await runCli(
    {
      env: { AXBRIDGE_ADMIN_TOKEN: 'a-token-of-the-test', AXBRIDGE_DATA: '/nowhere' },
      version: '1.2.3',
      out: (text) => {
        run.out += text
      },
      err: (text) => {
        run.err += text
      },
      stopped: AbortSignal.abort(),
      serve: refuse,
      migrate: refuse,
      embedded: refuse,
      useEvents: refuse,
      tailCalls: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }),
      fetch: async (input, init) => {
        const request = new Request(input, init)
        const text = await request.text()
        const one = {
          method: request.method,
          url: request.url,
          headers: Object.fromEntries(request.headers),
          body: bodyOf(request, text),
        }
        asked.push(one)
        if (answer === undefined) throw new TypeError('fetch failed')
        return answer(one)
      },
      ...deps,
    },
    args,
  )
  return { ...run, asked }
}

function bodyOf(request: Request, text: string): unknown {
  if (text === '') return undefined
  return request.headers.get('content-type') === 'text/csv' ? text : JSON.parse(text)
}

export const problem = (status: number, body: object) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
