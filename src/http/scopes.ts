import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { DomainError } from '../domain/errors.ts'
import type { Scope } from '../domain/scope.ts'
import { isOpen, principalOf } from './auth.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token needs to be let in; `operator`: it must be one that runs the installation. */
    scope?: Scope | 'operator'
  }
}

/** After `addAuth`, before the routes. A route under /v1 that does not say its scope is refused when the server starts. */
export function addScopes(app: FastifyInstance): void {
  app.addHook('onRoute', ({ url, method, config }) => {
    if (url.startsWith('/v1/') && scopeOf(config) === undefined) {
      throw new Error(`${String(method)} ${url} does not declare the scope that it needs`)
    }
  })
  app.addHook('preParsing', async (request) => {
    if (request.is404 || isOpen(request)) return
    // Deny by default: what says nothing is for the operator.
    const needed = scopeOf(request.routeOptions.config) ?? 'operator'
    const { operator, scopes } = principalOf(request)
    if (needed === 'operator' && !operator) throw operatorOnly()
    if (needed !== 'operator' && !scopes.includes(needed)) throw scopeMissing(needed)
  })
}

function scopeOf(config: FastifyContextConfig | undefined): Scope | 'operator' | undefined {
  return config?.scope
}

export const operatorOnly = () =>
  new DomainError('operator-only', 403, 'Only the operator of this installation may do this.', {
    vendorCode: 'isp.RAM_PERMISSION_DENY',
  })

export const scopeMissing = (scope: Scope) =>
  new DomainError('scope-missing', 403, `This needs a token with the scope "${scope}".`, {
    vendorCode: 'isp.RAM_PERMISSION_DENY',
  })
