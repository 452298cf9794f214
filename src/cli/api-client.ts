import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type CliDeps, CliError } from './deps.ts'
import { dataFolder } from './places.ts'

export type ApiOptions = { api?: string; json?: boolean }

export type ApiClient = {
  get<Answer>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<Answer>
  post<Answer>(
    path: string,
    body?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>
  put<Answer>(path: string, body: object): Promise<Answer>
  /** For what takes its time. */
  postCsv<Answer>(path: string, csv: Uint8Array<ArrayBuffer>): Promise<Answer>
  patch<Answer>(path: string, body: object): Promise<Answer>
  delete(path: string): Promise<void>
}

export type Page<Item> = { readonly items: readonly Item[]; readonly nextCursor?: string }

/** A command line is not worth waiting for longer; the server's own limits are shorter. */
const answerMsMax = 30_000
const importMsMax = 600_000

export function addApiOptions(command: Command): Command {
  return command
    .option('--api <url>', 'default: AXBRIDGE_API, or the quickstart that is running')
    .option('--json', 'print the answer as JSON')
}

/** The API by option, environment or the facts that the quickstart left; the token never by option: options are seen by others (`ps`). */
export async function createApiClient(options: ApiOptions, deps: CliDeps): Promise<ApiClient> {
  const facts = await quickstartFacts(deps)
  const base = options.api ?? deps.env.AXBRIDGE_API ?? facts.api ?? 'http://127.0.0.1:8080'
  const { AXBRIDGE_TOKEN: own, AXBRIDGE_ADMIN_TOKEN: admin } = deps.env
  const token = own ?? admin ?? facts.token
  if (token === undefined) {
    throw new CliError('no token: set AXBRIDGE_TOKEN, or AXBRIDGE_ADMIN_TOKEN where the server is')
  }
  if (!URL.canParse(base)) throw new CliError(`${base} is not a URL; check --api or AXBRIDGE_API`)

  const send = async (method: string, path: string, body?: object, headers = {}) => {
    const csv = body instanceof Uint8Array
    const type = csv ? 'text/csv' : 'application/json'
    const answer = await deps
      .fetch(new URL(path, base), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': type }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: csv ? body : JSON.stringify(body) }),
        signal: AbortSignal.timeout(csv ? importMsMax : answerMsMax),
      })
      .catch((cause: unknown) => {
        throw new CliError(`${base} does not answer (${reasonOf(cause)}); is the api role up?`, {
          cause,
        })
      })
    if (!answer.ok) throw await refusalOf(answer)
    return answer
  }

  return {
    async get(path, query = {}) {
      const given = Object.entries(query).filter(([, value]) => value !== undefined)
      const search = new URLSearchParams(given as [string, string][]).toString()
      const answer = await send('GET', search === '' ? path : `${path}?${search}`)
      return (await answer.json()) as never
    },
    async post(path, body, headers) {
      const answer = await send('POST', path, body, headers)
      return (answer.status === 204 ? undefined : await answer.json()) as never
    },
    async put(path, body) {
      return (await (await send('PUT', path, body)).json()) as never
    },
    async postCsv(path, csv) {
      return (await (await send('POST', path, csv)).json()) as never
    },
    async patch(path, body) {
      return (await (await send('PATCH', path, body)).json()) as never
    },
    async delete(path) {
      await send('DELETE', path)
    },
  }
}

/** `quickstart.json` in the data folder. Absent for everybody who does not run the quickstart. */
async function quickstartFacts(deps: CliDeps): Promise<{ api?: string; token?: string }> {
  const file = join(dataFolder(deps.env), 'quickstart.json')
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const { api, token } = JSON.parse(text) as { api?: unknown; token?: unknown }
  return {
    ...(typeof api === 'string' ? { api } : {}),
    ...(typeof token === 'string' ? { token } : {}),
  }
}

type ProblemAnswer = {
  detail?: string
  code?: string
  errors?: { pointer: string; detail: string }[]
}

async function refusalOf(answer: Response): Promise<CliError> {
  const problem = (await answer.json().catch(() => ({}))) as ProblemAnswer
  const faults = problem.errors?.map((each) => `${each.pointer} ${each.detail}`).join('; ')
  const text = faults ?? problem.detail ?? `the server answered ${answer.status}`
  return new CliError(problem.code === undefined ? text : `${text} (${problem.code})`)
}

/** fetch says only "fetch failed"; the reason is in its cause. */
function reasonOf(err: unknown): string {
  const cause = err instanceof Error ? err.cause : undefined
  if (cause instanceof Error && 'code' in cause) return String(cause.code)
  return err instanceof Error ? err.message : String(err)
}
