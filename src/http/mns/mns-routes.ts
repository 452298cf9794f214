import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { DomainError } from '../../domain/errors.ts'
import type { HandleOutcome, QueueAsked, ReceiptQueues } from '../../receipts/queues.ts'
import { GatewayError } from '../rpc/gateway-error.ts'
import { type AdmitMnsDeps, createAdmitMns } from './admit-mns.ts'
import {
  accessDenied,
  argumentWrong,
  handleWrong,
  MnsError,
  messageGone,
  nothingThere,
  queueUnknown,
  tooMany,
} from './mns-error.ts'
import {
  integerIn,
  type MnsQuery,
  mnsVersion,
  readMnsQuery,
  readMnsRequest,
} from './mns-request.ts'
import {
  attributesXml,
  errorsXml,
  errorXml,
  messagesXml,
  messageXml,
  receiptHandlesIn,
  visibilityXml,
} from './mns-xml.ts'

export type MnsDeps = AdmitMnsDeps & {
  readonly queues: ReceiptQueues
  /** Before messages are shown, which hold numbers in full. Rejects when it cannot be noted. */
  noteReading(reading: Reading): Promise<void>
}

export type Reading = QueueAsked & {
  readonly keyId: string
  readonly requestId: string
  readonly address: string
}

/** Sixteen handles, in XML, and room to spare. */
const bodyBytesMax = 64 * 1024
/** The longest wait, and time to answer. */
const answerMsMax = 45_000
const waitSecondsMax = 30
const countMax = 16
const visibilitySecondsMax = 43_200

const queuePattern = /^[\w-]{1,120}$/

type Asked = Reading & { readonly query: MnsQuery; readonly request: FastifyRequest }
/** Undefined: nothing to say, 204. */
type Answer = { readonly status: number; readonly xml: string } | undefined

/**
 * The vendor's queue API, version 2015-06-06, as far as a reader needs it: receive, peek, delete,
 * change visibility, attributes. Messages come from us, and queues are made elsewhere.
 */
export const mnsRoutes: FastifyPluginAsync<MnsDeps> = async (app, deps) => {
  const { queues } = deps
  const admit = createAdmitMns(deps)

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  // What fails before the handler: a body that is too large, a wrong length.
  app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply))
  // Readers that wait would hold up the end for half a minute.
  app.addHook('preClose', async () => queues.close())

  type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'
  const add = (method: Method, url: string, work: (asked: Asked) => Promise<Answer>) =>
    app.route<{ Params: { queue: string } }>({
      method,
      url,
      // A HEAD would take messages and show them to nobody.
      exposeHeadRoute: false,
      // Each key has its own limit.
      config: { access: 'open', rateLimit: false },
      schema: { hide: true },
      bodyLimit: bodyBytesMax,
      handlerTimeout: answerMsMax,
      handler: async (request, reply) => {
        const reader = await admit(readMnsRequest(request), request.ip)
        const { queue } = request.params
        // Also what Postgres could not even be asked for.
        if (!queuePattern.test(queue)) throw queueUnknown()
        if (reader.onlyQueue !== undefined && reader.onlyQueue !== queue) {
          throw accessDenied('The security token you provided is for another queue.')
        }
        const { accountId, keyId } = reader
        const reading = { accountId, keyId, queue, requestId: request.id, address: request.ip }
        const answer = await work({ ...reading, query: readMnsQuery(request), request })
        named(reply)
        if (answer === undefined) return reply.code(204).send()
        return reply.code(answer.status).type('text/xml; charset=utf-8').send(answer.xml)
      },
    })

  add('GET', '/queues/:queue/messages', (asked) =>
    asked.query.get('peekonly')?.toLowerCase() === 'true'
      ? peek(deps, asked)
      : receive(deps, asked),
  )
  add('DELETE', '/queues/:queue/messages', (asked) => remove(queues, asked))
  add('PUT', '/queues/:queue/messages', (asked) => setVisibility(queues, asked))
  add('GET', '/queues/:queue', async ({ accountId, queue }) => {
    const found = known(await queues.attributes({ accountId, queue }))
    return { status: 200, xml: attributesXml(found) }
  })
  add('POST', '/queues/:queue/messages', refuse('Messages in this queue are receipts of calls.'))
  const elsewhere = 'Queues are made, changed and removed at /v1 or with axbridge receipts.'
  add('PUT', '/queues/:queue', refuse(elsewhere))
  add('DELETE', '/queues/:queue', refuse(elsewhere))
}

const refuse = (why: string) => async (): Promise<Answer> => {
  throw accessDenied(why)
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw queueUnknown()
  return found
}

async function receive(deps: MnsDeps, asked: Asked): Promise<Answer> {
  const { accountId, queue, query, request } = asked
  const count = integerIn(query, 'numOfMessages', [1, countMax])
  const waitSeconds = integerIn(query, 'waitseconds', [0, waitSecondsMax]) ?? 0
  const { signal } = request
  const taken = known(
    await deps.queues.receive({ accountId, queue, count: count ?? 1, waitSeconds, signal }),
  )
  if (taken.length > 0) await deps.noteReading(asked)
  return listed(taken, count !== undefined)
}

async function peek(deps: MnsDeps, asked: Asked): Promise<Answer> {
  const { accountId, queue, query } = asked
  const count = integerIn(query, 'numOfMessages', [1, countMax])
  const seen = known(await deps.queues.peek({ accountId, queue, count: count ?? 1 }))
  if (seen.length > 0) await deps.noteReading(asked)
  return listed(seen, count !== undefined)
}

function listed(messages: Parameters<typeof messagesXml>[0], isBatch: boolean): Answer {
  const [first] = messages
  if (first === undefined) throw nothingThere()
  return { status: 200, xml: isBatch ? messagesXml(messages) : messageXml(first) }
}

async function remove(queues: MnsDeps['queues'], asked: Asked): Promise<Answer> {
  const { accountId, queue, query, request } = asked
  const single = query.get('receipthandle')
  const handles = single === undefined ? receiptHandlesIn(bodyOf(request)) : [single]
  const outcomes = known(await queues.remove({ accountId, queue, handles }))
  const failed = handles.flatMap((handle, at) => {
    const error = errorOf(outcomes[at] ?? 'gone')
    return error === undefined ? [] : [{ handle, error }]
  })
  const [first] = failed
  if (first === undefined) return undefined
  if (single !== undefined) throw first.error
  return { status: 404, xml: errorsXml(failed) }
}

async function setVisibility(queues: MnsDeps['queues'], asked: Asked): Promise<Answer> {
  const { accountId, queue, query } = asked
  const handle = query.get('receipthandle')
  if (handle === undefined) {
    throw new MnsError(400, 'MissingReceiptHandle', 'ReceiptHandle is required.')
  }
  const seconds = integerIn(query, 'VisibilityTimeout', [1, visibilitySecondsMax])
  if (seconds === undefined) {
    throw new MnsError(400, 'MissingVisibilityTimeout', 'VisibilityTimeout is required.')
  }
  const changed = known(await queues.setVisibility({ accountId, queue, handle, seconds }))
  if (changed.outcome !== 'done') throw errorOf(changed.outcome) ?? handleWrong()
  return { status: 200, xml: visibilityXml(changed.handle, changed.visibleAt) }
}

function errorOf(outcome: HandleOutcome): MnsError | undefined {
  switch (outcome) {
    case 'done':
      return undefined
    case 'gone':
      return messageGone()
    case 'stale':
    case 'forged':
      return handleWrong()
  }
}

function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

function named(reply: FastifyReply): string {
  const requestId = randomBytes(12).toString('hex').toUpperCase()
  reply.headers({ 'x-mns-request-id': requestId, 'x-mns-version': mnsVersion })
  return requestId
}

function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = mnsErrorOf(error)
  if (known.httpStatus >= 500) request.log.error({ err: error }, 'queue request failed')
  const { host = '' } = request.headers
  const hostId = /^[\w.:[\]-]{1,255}$/.test(host) ? `http://${host}` : 'axbridge'
  const xml = errorXml(known, named(reply), hostId)
  return reply.code(known.httpStatus).type('text/xml; charset=utf-8').send(xml)
}

function mnsErrorOf(error: unknown): MnsError {
  if (error instanceof MnsError) return error
  if (error instanceof GatewayError) return tooMany(error.message)
  if (error instanceof DomainError) {
    return error.httpStatus === 429
      ? tooMany(error.message)
      : new MnsError(error.httpStatus, 'InternalError', error.message)
  }
  const status = statusOf(error)
  if (status >= 400 && status < 500) {
    return status === 413
      ? argumentWrong('The body is too large.')
      : argumentWrong('The request can not be read as it was sent.')
  }
  return new MnsError(500, 'InternalError', 'Internal error.')
}

function statusOf(error: unknown): number {
  const has = typeof error === 'object' && error !== null && 'statusCode' in error
  return has && typeof error.statusCode === 'number' ? error.statusCode : 500
}
