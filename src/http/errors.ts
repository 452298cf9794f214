import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DomainError } from '../domain/errors.ts'
import { problemMediaType, problemOf, RequestRefused } from './problem.ts'
import { faultsOf } from './validation.ts'

/** The framework's own refusals, in our words. The rest of its 4xx keep their status and get `request-invalid`. */
const frameworkErrors: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'body-too-large',
    'The body is larger than the server accepts. Send less in one request.',
  ],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'media-type-unsupported',
    'Send the body as "Content-Type: application/json".',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'body-incomplete',
    'The body is not as long as Content-Length says.',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: [
    'body-empty',
    'The body is empty but declared as JSON. Send a JSON object, or no Content-Type.',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['body-not-json', 'The body is not valid JSON.'],
  FST_ERR_BAD_URL: ['url-invalid', 'The URL can not be decoded. Check its percent escapes.'],
  FST_ERR_HANDLER_TIMEOUT: [
    'too-slow',
    'It took too long, and whether it was done is not known. With the same Idempotency-Key it can be asked again.',
  ],
}

/** The one place where an error becomes an answer. What nobody planned for is logged here, once. */
export function addErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = refusalOf(error)
  if (refusal.httpStatus === 500) request.log.error({ err: error }, 'request failed')
  // What is away is mostly back in a moment.
  if (refusal.httpStatus === 503) reply.header('retry-after', '2')
  reply.code(refusal.httpStatus).type(problemMediaType).send(problemOf(refusal, request.id))
}

function refusalOf(error: unknown): DomainError {
  if (error instanceof DomainError) return error
  if (!(error instanceof Error)) return internalError(error)
  const { code, statusCode = 500, validation, validationContext } = error as FastifyError
  if (validation !== undefined) {
    return new RequestRefused(faultsOf(validationContext ?? 'request', validation))
  }
  const known = frameworkErrors[code]
  if (known !== undefined) return new DomainError(known[0], statusCode, known[1])
  if (error instanceof SyntaxError && statusCode === 400) {
    return new DomainError('body-not-json', 400, 'The body is not valid JSON.')
  }
  if (statusCode >= 400 && statusCode < 500) {
    return new DomainError('request-invalid', statusCode, 'The request can not be handled as sent.')
  }
  return internalError(error)
}

function internalError(cause: unknown): DomainError {
  return new DomainError(
    'internal-error',
    500,
    'Something went wrong on our side. Give the request id in "instance" to your operator.',
    { cause },
  )
}

const unreadable: Readonly<
  Record<string, readonly [status: number, code: string, detail: string]>
> = {
  HPE_HEADER_OVERFLOW: [431, 'headers-too-large', 'The request headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request-timeout', 'The request did not arrive in time.'],
}

/** What is not even HTTP. There is no request and no reply yet, only the socket. */
export function answerUnreadable(error: { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, code, detail] = unreadable[error.code ?? ''] ?? [
    400,
    'http-invalid',
    'This is not a valid HTTP request.',
  ]
  const problem = problemOf(new DomainError(code, status, detail), 'unread')
  const body = JSON.stringify(problem)
  socket.end(
    [
      `HTTP/1.1 ${status} ${problem.title}`,
      'Connection: close',
      `Content-Type: ${problemMediaType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}
