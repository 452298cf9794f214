import type { FastifyInstance } from 'fastify'
import { DomainError } from '../domain/errors.ts'

/** Answers 405 where a path exists with other methods, and 404 everywhere else. Add before the routes. */
export function addNotFoundHandler(app: FastifyInstance): void {
  const paths = new Map<string, { pattern: RegExp; methods: Set<string> }>()

  app.addHook('onRoute', ({ url, method }) => {
    const known = paths.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() }
    for (const each of [method].flat()) known.methods.add(each)
    paths.set(url, known)
  })

  app.setNotFoundHandler(async (request, reply) => {
    const [path = ''] = request.url.split('?')
    const allowed = [...paths.values()]
      .filter((each) => each.pattern.test(path))
      .flatMap((each) => [...each.methods])
    if (allowed.length === 0) {
      throw new DomainError('path-unknown', 404, 'There is nothing at this path. See /docs.')
    }
    const list = [...new Set(allowed)].sort().join(', ')
    reply.header('allow', list)
    throw new DomainError('method-not-allowed', 405, `This path knows only ${list}. See /docs.`)
  })
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+'
    if (part === '*') return '.*'
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('/')}/?$`)
}
