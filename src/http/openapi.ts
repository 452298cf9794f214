import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'

/** Swagger UI brings its own scripts and styles; it marks up with inline styles and data: images. */
const readerPolicy = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
}

const tags = [
  { name: 'bindings', description: 'Who is behind an X number, for whom, until when.' },
  { name: 'numbers', description: 'X numbers.' },
  { name: 'pools', description: 'Groups of X numbers of one product.' },
  { name: 'trunks', description: 'Carrier peerings that calls come from and go to.' },
  { name: 'calls', description: 'Call records, and the calls that are up now.' },
  { name: 'operations', description: 'For load balancers and monitoring.' },
]

const description = [
  'Phone number privacy: two people talk through a virtual number X and neither learns the',
  "other's. Real numbers in answers are masked (`138****0001`). Errors are problem details",
  '(RFC 9457). Lists are pages: give `nextCursor` back as `cursor` until it is absent.',
].join(' ')

/** The document is made from the routes' schemas: /docs for people, /docs/json for programs. Add before the routes. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'AXBridge', version: '1', description },
      servers: [{ url: '/' }],
      tags,
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    refResolver: { buildLocalReference: (schema) => String(schema['$id']) },
  })
  await app.register(reader)
}

/** For people who do not have a token yet: everything it serves is open. */
const reader: FastifyPluginAsync = async (scope) => {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'open' }
  })
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: readerPolicy,
    uiConfig: { persistAuthorization: false, validatorUrl: null },
  })
}
