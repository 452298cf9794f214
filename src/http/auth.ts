import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TokenHolder } from '../accounts/account.ts'
import { DomainError } from '../domain/errors.ts'
import type { AccountId } from '../domain/ids.ts'
import { type Scope, scopes } from '../domain/scope.ts'
import { isAmong } from '../platform/address-block.ts'

/** Who is asking. */
export type Principal = {
  readonly accountId: AccountId
  /** Names the token in logs and counters; says nothing about its value. */
  readonly tokenId: string
  /** Runs this installation: sees calls to numbers that belong to nobody. */
  readonly operator: boolean
  readonly scopes: readonly Scope[]
  /** Undefined: the server's own limit. */
  readonly requestsPerMinuteMax?: number | undefined
}

/**
 * Undefined: nobody that we know. Throws a refusal for somebody whom we know and who may not come
 * in. `address` is where the request comes from.
 */
export type Authenticate = (
  token: string,
  address: string,
) => Principal | undefined | Promise<Principal | undefined>

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined until, and unless, a token was recognised. */
    principal: Principal | undefined
    /** Why the token that was given does not let anybody in. */
    notAdmitted: unknown
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
export function createAdminAuthenticate(admin: { token: string; accountId: AccountId }) {
  const expected = sha256(admin.token)
  const principal = { accountId: admin.accountId, tokenId: 'admin', operator: true, scopes }
  return (token: string): Principal | undefined =>
    timingSafeEqual(sha256(token), expected) ? principal : undefined
}

/** The first administrator's token, also without a database, and then those that were made. */
export function createAuthenticate(deps: {
  admin: { token: string; accountId: AccountId }
  tokens: { find(token: string): Promise<TokenHolder | undefined> }
}): Authenticate {
  const admin = createAdminAuthenticate(deps.admin)
  return async (token, address) => {
    const first = admin(token)
    if (first !== undefined) return first
    const holder = await deps.tokens.find(token)
    return holder === undefined ? undefined : admitted(holder, address)
  }
}

function admitted(holder: TokenHolder, address: string): Principal {
  const { accountId, tokenId, requestsPerMinuteMax } = holder
  if (holder.expiresAt !== undefined && holder.expiresAt.getTime() <= Date.now()) {
    throw new DomainError('token-expired', 401, 'This token has expired. Ask for a new one.')
  }
  if (holder.addresses.length > 0 && !isAmong(address, holder.addresses)) {
    throw new DomainError(
      'address-refused',
      403,
      'This token is not for use from the address that you ask from.',
      { vendorCode: 'isp.RAM_PERMISSION_DENY' },
    )
  }
  if (holder.suspended) {
    throw new DomainError('account-suspended', 403, 'The account is suspended. Ask its operator.', {
      vendorCode: 'isv.OUT_OF_SERVICE',
    })
  }
  const operator = holder.operator && holder.scopes.includes('admin')
  return { accountId, tokenId, operator, scopes: holder.scopes, requestsPerMinuteMax }
}

/** Denies by default: whatever route does not declare itself open needs a token, unknown paths too. */
export function addAuth(app: FastifyInstance, authenticate: Authenticate): void {
  app.decorateRequest('principal', undefined)
  app.decorateRequest('notAdmitted', undefined)
  app.addHook('onRequest', async (request) => {
    const token = bearerToken(request.headers.authorization)
    // Health is asked when the database is away: it must not wait for it.
    if (token === undefined || request.routeOptions.config.access === 'open') return
    try {
      request.principal = await authenticate(token, request.ip)
    } catch (err) {
      request.notAdmitted = err
    }
  })
  // Not in onRequest: the rate limit runs there, and it is to count refused requests as well.
  app.addHook('preParsing', async (request, reply) => {
    if (request.principal !== undefined || isOpen(request)) return
    throw refusalOf(request, () => reply.header('www-authenticate', 'Bearer realm="axbridge"'))
  })
}

function refusalOf(request: FastifyRequest, challenge: () => void): unknown {
  const { notAdmitted } = request
  const known = notAdmitted instanceof DomainError
  if (notAdmitted !== undefined && !(known && notAdmitted.httpStatus === 401)) return notAdmitted
  challenge()
  if (known) return notAdmitted
  return request.headers.authorization === undefined
    ? new DomainError(
        'token-missing',
        401,
        'Send a token in the header "Authorization: Bearer <token>".',
      )
    : new DomainError('token-unknown', 401, 'This token is not known here. Check its value.')
}

/** The caller of a route that needs a token. Only a route that was declared open can make it throw. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Error('this route was opened by mistake')
  return request.principal
}

/** Whether it is answered without a token. */
export function isOpen(request: FastifyRequest): boolean {
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
  return hash('sha256', text, 'buffer')
}
