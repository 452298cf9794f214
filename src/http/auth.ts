import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DomainError } from '../domain/errors.ts'
import type { AccountId } from '../domain/ids.ts'

/** Who is asking. */
export type Principal = {
  readonly accountId: AccountId
  /** Names the token in logs and counters; says nothing about its value. */
  readonly tokenId: string
  /** Runs this installation: sees calls to numbers that belong to nobody. */
  readonly operator: boolean
}

/** Undefined: nobody that we know. */
export type Authenticate = (token: string) => Principal | undefined

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined until, and unless, a token was recognised. */
    principal: Principal | undefined
  }
  interface FastifyContextConfig {
    /**
     * Who may ask without a token: `open` everybody, `loopback` programs on this machine.
     * A route that says nothing needs a token.
     */
    access?: 'open' | 'loopback'
  }
}

/**
 * The first administrator's token. Both sides are hashed first, so that the comparison takes the
 * same time wherever they differ and whatever their lengths.
 */
export function createAdminAuthenticate(admin: {
  token: string
  accountId: AccountId
}): Authenticate {
  const expected = sha256(admin.token)
  const principal = { accountId: admin.accountId, tokenId: 'admin', operator: true }
  return (token) => (timingSafeEqual(sha256(token), expected) ? principal : undefined)
}

/** Denies by default: whatever route does not declare itself open needs a token, unknown paths too. */
export function addAuth(app: FastifyInstance, authenticate: Authenticate): void {
  app.decorateRequest('principal', undefined)
  app.addHook('onRequest', async (request) => {
    const token = bearerToken(request.headers.authorization)
    request.principal = token === undefined ? undefined : authenticate(token)
  })
  // Not in onRequest: the rate limit runs there, and it is to count refused requests as well.
  app.addHook('preParsing', async (request, reply) => {
    if (request.principal !== undefined || isOpen(request)) return
    reply.header('www-authenticate', 'Bearer realm="axbridge"')
    const given = request.headers.authorization !== undefined
    throw given
      ? new DomainError('token-unknown', 401, 'This token is not known here. Check its value.')
      : new DomainError(
          'token-missing',
          401,
          'Send a token in the header "Authorization: Bearer <token>".',
        )
  })
}

/** The caller of a route that needs a token. Only a route that was declared open can make it throw. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Error('this route was opened by mistake')
  return request.principal
}

function isOpen(request: FastifyRequest): boolean {
  const { access } = request.routeOptions.config
  return access === 'open' || (access === 'loopback' && isFromThisMachine(request))
}

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])
const forwardingHeaders = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via']

/** A proxy on this machine makes the whole world look local, so what was forwarded is not. */
function isFromThisMachine(request: FastifyRequest): boolean {
  const forwarded = forwardingHeaders.some((name) => request.headers[name] !== undefined)
  return !forwarded && loopback.has(request.socket.remoteAddress ?? '')
}

function bearerToken(header: string | undefined): string | undefined {
  // One space or more, then token68 (RFC 6750 2.1, RFC 9110 11.2).
  return /^bearer +([\w~+/.-]+=*) *$/i.exec(header ?? '')?.[1]
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
