import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { stringify } from 'csv-stringify/sync'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { DomainError } from '../domain/errors.ts'

/**
 * Lists as CSV: the same route, the same filters, every page of it. A list joins in three places:
 *
 * ```ts
 * const columns = ['id', 'x', 'status'] as const           // fields of the JSON answer, in order
 *
 * querystring: Type.Object({ …filters, ...pageQuery, ...csvQuery }, closed),
 * response: { 200: pageOrCsv(pageOf(BindingAnswer), columns), ...problems(400, 422) },
 *
 * async (request, reply) => {
 *   const list = (part: Part) => bindings.list({ …filter, ...part })
 *   if (wantsCsv(request)) return sendCsv(request, reply, { name: 'bindings', columns, list, answer: answerOf })
 *   return pageAnswer(await list({ limit, cursor }), answerOf)
 * }
 * ```
 *
 * RFC 4180: CRLF, quotes doubled, a header line. Values are those of the JSON answer, so what is
 * masked there is masked here; an object or array is written as JSON.
 */

/** Beyond this an export is cut off, visibly: narrow the filter, or go on page by page. */
const rowsMax = 1_000_000
/** What the rooms give at once. */
const rowsPerPage = 200
/** A reader that is slower than this holds a connection for nothing. */
const exportMsMax = 300_000
/** Each reads page after page: more of one account would stand in the way of everybody's requests. */
const exportsAtOnceMax = 2
const byteOrderMark = '\ufeff'

declare module 'fastify' {
  interface FastifyInstance {
    /** Exports that are running, by account. */
    readonly exports: Map<string, number>
  }
}

/** Before the routes. */
export function addExports(app: FastifyInstance): void {
  app.decorate('exports', new Map<string, number>())
}

export const csvQuery = {
  format: Type.Optional(
    Type.Enum(['json', 'csv'], {
      description:
        '`csv`: every row from `cursor` on, not only a page, as does `Accept: text/csv`; `limit` is then the most rows.',
    }),
  ),
  bom: Type.Optional(
    Type.Boolean({
      description: '`true`: CSV begins with a byte order mark, for spreadsheets that need it.',
    }),
  ),
}

/** For the `200` of a list that is to be had as CSV too. */
export function pageOrCsv<Page extends TSchema>(page: Page, columns: readonly string[]) {
  const text = Type.String({
    description: `RFC 4180 with a header line; at most ${rowsMax} rows. An export that could not be finished ends without its last chunk: never take it for whole.`,
    examples: [`${columns.join(',')}\r\n`],
  })
  return {
    description: 'A page, or all of the list as CSV.',
    content: { 'application/json': { schema: page }, 'text/csv': { schema: text } },
  }
}

/** `format` decides; without it, an `Accept` that names CSV and not JSON. */
export function wantsCsv(request: FastifyRequest): boolean {
  const { format } = request.query as { format?: string }
  if (format !== undefined) return format === 'csv'
  const accept = request.headers.accept ?? ''
  return /\btext\/csv\b/i.test(accept) && !/\bjson\b/i.test(accept)
}

export type Part = { readonly limit?: number | undefined; readonly cursor?: string | undefined }

export type CsvList<Item, Answer> = {
  /** Of the file, without its ending. */
  readonly name: string
  readonly columns: readonly (keyof Answer & string)[]
  list(
    part: Part,
  ): Promise<{ readonly items: readonly Item[]; readonly nextCursor?: string | undefined }>
  answer(item: Item): Answer
}

/**
 * Resolves when all was sent. A refusal of the first page is an ordinary problem. A later one cuts
 * the connection: a short file must not look like a whole one. Pages are read one after the other,
 * as fast as the client takes them; it is not a snapshot.
 */
export async function sendCsv<Item, Answer extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  csv: CsvList<Item, Answer>,
): Promise<undefined> {
  const release = takePlace(request, reply)
  try {
    await send(csv, { request, reply, release })
  } finally {
    release()
  }
}

/** Returns how to give it back; more than once is the same as once. */
function takePlace({ server, principal }: FastifyRequest, reply: FastifyReply): () => void {
  const account = principal?.accountId ?? ''
  const running = server.exports.get(account) ?? 0
  if (running >= exportsAtOnceMax) {
    reply.header('retry-after', '5')
    const detail = `An account has at most ${exportsAtOnceMax} exports at a time. Come back when one is done.`
    throw new DomainError('exports-busy', 429, detail, { vendorCode: 'isv.FLOW_LIMIT' })
  }
  server.exports.set(account, running + 1)
  let taken = true
  return () => {
    if (!taken) return
    taken = false
    const left = (server.exports.get(account) ?? 1) - 1
    if (left > 0) server.exports.set(account, left)
    else server.exports.delete(account)
  }
}

async function send<Item, Answer extends object>(
  csv: CsvList<Item, Answer>,
  { request, reply, release }: { request: FastifyRequest; reply: FastifyReply; release(): void },
): Promise<void> {
  const { bom, limit, cursor } = request.query as { bom?: boolean } & Part
  const limited = Math.min(limit ?? Number.POSITIVE_INFINITY, rowsPerPage)
  const first = await csv.list({ limit: limited, cursor })
  reply.header('content-type', 'text/csv; charset=utf-8; header=present')
  reply.header('content-disposition', `attachment; filename="${csv.name}.csv"`)
  // Out of the framework's hands: its time limit is for answers that are made at once.
  reply.hijack()
  reply.raw.writeHead(200, reply.getHeaders() as Record<string, string | string[]>)
  if (request.method === 'HEAD') {
    reply.raw.end()
    return
  }
  const lines = whenDone(linesOf(csv, first, { bom: bom === true, limit }), release)
  const signal = AbortSignal.timeout(exportMsMax)
  await pipeline(Readable.from(lines), reply.raw, { signal }).catch((err: unknown) => {
    if (!request.raw.destroyed) request.log.warn({ err, list: csv.name }, 'export was cut off')
  })
}

/** Before the client sees the end: it may come back at once. */
async function* whenDone(lines: AsyncGenerator<string>, release: () => void) {
  try {
    yield* lines
  } finally {
    release()
  }
}

async function* linesOf<Item, Answer extends object>(
  { columns, list, answer }: CsvList<Item, Answer>,
  first: { readonly items: readonly Item[]; readonly nextCursor?: string | undefined },
  { bom, limit }: { bom: boolean; limit: number | undefined },
): AsyncGenerator<string> {
  yield (bom ? byteOrderMark : '') + csvText([columns], columns)
  let page = first
  let rows = 0
  for (;;) {
    rows += page.items.length
    yield csvText(
      page.items.map((item) => answer(item)),
      columns,
    )
    if (page.nextCursor === undefined || rows === limit) return
    if (rows >= rowsMax) throw new Error(`an export has at most ${rowsMax} rows`)
    const left = (limit ?? rowsMax) - rows
    page = await list({ limit: Math.min(left, rowsPerPage), cursor: page.nextCursor })
  }
}

function csvText(records: readonly unknown[], columns: readonly string[]): string {
  return stringify([...records], {
    columns: [...columns],
    record_delimiter: 'windows',
    quote_record_delimiter: true,
    cast: { string: guarded, boolean: String },
  })
}

/** What a spreadsheet may take for a formula, also in the full-width forms that some of them read. */
const formulaStart = /^[=+\-@\t\r\n＝＋－＠]/
/** A sign and digits is a number to every spreadsheet, whatever it does with it: nothing is run. */
const signedNumber = /^[+-]\d+(\.\d+)?$/

/**
 * A leading apostrophe keeps text that somebody wrote from being run as a formula when the file is
 * opened. X numbers stay as they are (`+8617000000001`): they only hold a plus and digits, and a
 * list of them must come back through an import unchanged.
 */
function guarded(text: string): string {
  return formulaStart.test(text) && !signedNumber.test(text) ? `'${text}` : text
}
