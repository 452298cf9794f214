import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { KeyHolder } from '../../accounts/account.ts'
import { DomainError } from '../../domain/errors.ts'
import type { ActionContext, RpcAction } from './action.ts'
import { type AdmitDeps, createAdmit } from './admit.ts'
import { type Format, type Members, sendMembers } from './answer.ts'
import { actionUnknown, GatewayError } from './gateway-error.ts'
import type { Parameters } from './parameters.ts'
import { formatOf, type RpcRequest, readRpcRequest } from './request.ts'

const apiVersion = '2017-05-25'

export type RpcDeps = AdmitDeps & {
  readonly actions: readonly RpcAction[]
  readonly contextOf: (holder: KeyHolder, request: AdmittedRequest) => ActionContext
  /** Around every action that changes something, as /v1 notes its changes. */
  readonly noted: (request: AdmittedRequest, work: () => Promise<Members>) => Promise<Members>
}

type AdmittedRequest = {
  readonly holder: KeyHolder
  readonly action: RpcAction
  readonly parameters: Parameters
  readonly requestId: string
  readonly address: string
}

/**
 * The vendor's RPC API at `/` (product-semantics 2): GET and POST, signed in either style. Business
 * refusals are answered with 200 and their code, gateway errors with 4xx and 5xx.
 */
export const rpcRoutes: FastifyPluginAsync<RpcDeps> = async (app, deps) => {
  const actions = new Map(deps.actions.map((each) => [each.name.toLowerCase(), each]))
  const admit = createAdmit(deps)

  // The body as it came: the signature covers its bytes.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  // What fails before the handler: a body that is too large, a wrong length.
  app.setErrorHandler((error, request, reply) =>
    sendFailure(error, { request, reply, format: formatOf(request) }),
  )

  async function perform(asked: RpcRequest, request: FastifyRequest) {
    const action = actions.get(asked.action.toLowerCase())
    if (action === undefined || asked.version !== apiVersion) throw actionUnknown()
    const address = request.ip
    const holder = await admit(asked, action, address)
    const { parameters } = asked
    const admitted = { holder, action, parameters, requestId: request.id, address }
    const work = () => action.run(parameters, deps.contextOf(holder, admitted))
    return action.scope === 'read' ? work() : deps.noted(admitted, work)
  }

  app.route({
    method: ['GET', 'POST'],
    url: '/',
    // Each key has its own limits, action by action.
    config: { access: 'open', rateLimit: false },
    schema: { hide: true },
    handler: async (request, reply) => {
      const requestId = requestIdOf(request)
      let format: Format | undefined
      let root: string | undefined
      try {
        const asked = readRpcRequest(request)
        format = asked.format
        root = `${actions.get(asked.action.toLowerCase())?.name ?? ''}Response`
        const members = await perform(asked, request)
        const answer = { RequestId: requestId, Code: 'OK', Message: 'OK', ...members }
        return sendMembers(reply, format, root, answer)
      } catch (err) {
        return sendFailure(err, { request, reply, format: format ?? formatOf(request), root })
      }
    },
  })

  app.route({
    method: ['PUT', 'DELETE', 'PATCH'],
    url: '/',
    config: { access: 'open' },
    schema: { hide: true },
    handler: (request, reply) => {
      const wrong = new GatewayError(
        400,
        'UnsupportedHTTPMethod',
        'This http method is not supported. Use GET or POST.',
      )
      return sendFailure(wrong, { request, reply, format: formatOf(request) })
    },
  })
}

type Failure = {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly format: Format
  /** Undefined: not even the action is known. */
  readonly root?: string | undefined
}

/** The one that our log and the audit log name, as the vendor writes them. */
const requestIdOf = ({ id }: FastifyRequest): string => id.toUpperCase()

function sendFailure(error: unknown, failure: Failure): FastifyReply {
  const { request, reply, format } = failure
  const requestId = requestIdOf(request)
  if (error instanceof DomainError && failure.root !== undefined) {
    if (error.httpStatus >= 500) request.log.warn({ err: error }, 'action could not be done')
    const answer = { RequestId: requestId, Code: businessCode(error), Message: error.message }
    return sendMembers(reply, format, failure.root, answer)
  }
  const gateway = gatewayErrorOf(error)
  if (gateway.httpStatus >= 500) request.log.error({ err: error }, 'rpc request failed')
  if (gateway.retryAfter !== undefined) reply.header('x-acs-retry-after', gateway.retryAfter)
  const answer: Members = {
    RequestId: requestId,
    HostId: hostOf(request),
    Code: gateway.code,
    Message: gateway.message,
    Recommend: '/docs',
  }
  return sendMembers(reply.code(gateway.httpStatus), format, 'Error', answer)
}

function businessCode({ vendorCode, httpStatus }: DomainError): string {
  return vendorCode ?? (httpStatus >= 500 ? 'isp.SYSTEM_ERROR' : 'isv.INVALID_PARAMETERS')
}

function gatewayErrorOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  if (error instanceof DomainError) {
    const throttled = error.httpStatus === 429
    return throttled
      ? new GatewayError(400, 'Throttling.User', error.message, 1)
      : new GatewayError(error.httpStatus, businessCode(error), error.message)
  }
  const status = statusOf(error)
  if (status >= 400 && status < 500) {
    return new GatewayError(status, 'InvalidRequest', 'The request can not be read as it was sent.')
  }
  return new GatewayError(
    500,
    'InternalError',
    'The request processing has failed due to some unknown error.',
  )
}

function statusOf(error: unknown): number {
  const known = typeof error === 'object' && error !== null && 'statusCode' in error
  return known && typeof error.statusCode === 'number' ? error.statusCode : 500
}

function hostOf(request: FastifyRequest): string {
  const host = request.headers.host ?? ''
  return /^[\w.:[\]-]{1,255}$/.test(host) ? host : 'axbridge'
}
