import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import rateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import { DomainError } from '../domain/errors.ts'
import type { Logger } from '../platform/logger.ts'
import { addAnswerLimit } from './answer-limit.ts'
import { addAudit } from './audit.ts'
import { type Authenticate, addAuth } from './auth.ts'
import { guidedRoutes } from './certify/guided-routes.ts'
import { addExports } from './csv.ts'
import { addErrorHandler, answerUnreadable, sendProblem } from './errors.ts'
import { addNotFoundHandler } from './known-paths.ts'
import { type MnsDeps, mnsRoutes } from './mns/mns-routes.ts'
import { addOpenApi } from './openapi.ts'
import { addOperations, type Operations } from './operations.ts'
import { problemSchema } from './problem.ts'
import { type RpcJoin, rpcDepsOf } from './rpc/rpc-deps.ts'
import { rpcRoutes } from './rpc/rpc-routes.ts'
import { addScopes } from './scopes.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { type V1Rooms, v1Routes } from './v1/v1-routes.ts'
import { validatorCompiler } from './validation.ts'

/** The largest honest body, a bulk of a few hundred bindings, is well below. */
const bodyBytesMax = 256 * 1024
/** An honest request comes in at once; this is for those who send a byte a second. */
const requestMsMax = 30_000

export type HttpDeps = {
  readonly authenticate: Authenticate
  readonly rooms: V1Rooms
  /** Undefined: the vendor's RPC API is not offered. */
  readonly rpc?: RpcJoin | undefined
  /** Undefined: nor is its queue API. */
  readonly mns?: MnsDeps | undefined
  readonly operations: Operations
  readonly log: Logger
  readonly requestSeconds: {
    observe(labels: { method: string; route: string; status: string }, seconds: number): void
  }
  /** Per token that has no limit of its own, or per address without one, and per process. */
  readonly requestsPerMinuteMax?: number
  /** Addresses and CIDR blocks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[] | undefined
  readonly answerMsMax?: number
}

const answerMsMaxDefault = 20_000

/** The whole HTTP edge, ready to `listen` or `inject`. `close()` waits for running requests. */
export async function buildHttpApp(deps: HttpDeps): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    // Its lines hold the URL, which holds whatever the client put there. Ours name the route.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    genReqId: requestIdOf,
    bodyLimit: bodyBytesMax,
    requestTimeout: requestMsMax,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket),
    trustProxy: deps.trustedProxies === undefined ? false : [...deps.trustedProxies],
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(validatorCompiler)
  app.addSchema(problemSchema)
  addErrorHandler(app)
  addNotFoundHandler(app)
  addAnswerLimit(app, deps.answerMsMax ?? answerMsMaxDefault)
  addSecurityHeaders(app)
  addRequestLog(app, deps.requestSeconds)
  addClosing(app)
  addAuth(app, deps.authenticate)
  addScopes(app)
  addAudit(app, deps.rooms)
  addExports(app)
  const requestsPerMinuteMax = deps.requestsPerMinuteMax ?? 6000
  await app.register(rateLimit, {
    max: (request) => request.principal?.requestsPerMinuteMax ?? requestsPerMinuteMax,
    timeWindow: 60_000,
    keyGenerator: (request) => request.principal?.tokenId ?? `address ${request.ip}`,
    errorResponseBuilder: (_request, { after }) =>
      new DomainError('rate-limited', 429, `Too many requests. Come back in ${after}.`, {
        vendorCode: 'isv.FLOW_LIMIT',
      }),
  })
  await addOpenApi(app)
  addOperations(app, deps.operations)
  await app.register(v1Routes, { ...deps.rooms, prefix: '/v1' })
  const { certification, parser } = deps.rooms
  await app.register(guidedRoutes, { guided: certification.guided, parser })
  if (deps.rpc !== undefined) await app.register(rpcRoutes, rpcDepsOf(deps.rpc, deps.rooms))
  if (deps.mns !== undefined) await app.register(mnsRoutes, deps.mns)
  await app.ready()
  return app
}

const uuidPattern = /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i
/** One with a long run of digits could be made of a real number. */
const requestIdPattern = /^(?=.*[a-z])(?!.*\d{11})[\w-]{8,64}$/i

/** A proxy's request id is kept, so that its log and ours meet. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  const usable =
    typeof given === 'string' && (uuidPattern.test(given) || requestIdPattern.test(given))
  return usable ? given : randomUUID()
}

/** The route's pattern, never its URL. */
function addRequestLog(app: FastifyInstance, seconds: HttpDeps['requestSeconds']): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method } = request
    const route = request.routeOptions.url ?? 'unknown'
    const ms = reply.elapsedTime
    seconds.observe({ method, route, status: String(reply.statusCode) }, ms / 1000)
    request.log.debug(
      {
        method,
        route,
        status: reply.statusCode,
        ms: Math.round(ms),
        tokenId: request.principal?.tokenId,
      },
      'request answered',
    )
  })
}

/** Once closing has begun, connections that are still open hear so, and can go elsewhere. */
function addClosing(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onRequest', async () => {
    if (closing) throw new DomainError('stopping', 503, 'The server is stopping. Ask again.')
  })
}
