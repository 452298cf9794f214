import type { FastifyInstance } from 'fastify'

/** What a browser may do with an answer: nothing. The reader at /docs loosens the policy for itself. */
const headers: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

export function addSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    reply.header('x-request-id', request.id)
    // Answers hold what is true now of people's numbers: no cache may keep them.
    reply.header('cache-control', 'no-store')
  })
}
