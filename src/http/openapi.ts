import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyPluginAsync,
  FastifySchema,
} from 'fastify'

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
  { name: 'blacklist', description: 'Who may not call the X numbers of a pool, or not be joined.' },
  { name: 'groups', description: 'G groups: who may call the X of AXG bindings.' },
  { name: 'orders', description: 'Purchase of X numbers out of the stock.' },
  { name: 'inventory', description: 'The stock of X numbers, for the operator.' },
  { name: 'certification', description: 'Who stands for X numbers with name and document.' },
  { name: 'trunks', description: 'Carrier peerings that calls come from and go to.' },
  { name: 'calls', description: 'Call records, and the calls that are up now.' },
  {
    name: 'receipts',
    description:
      'What your systems are told: queues to pull from, URLs to push to, and how it went.',
  },
  { name: 'alarms', description: 'What a human should look at.' },
  { name: 'accounts', description: 'Whose everything is.' },
  { name: 'access', description: 'Bearer tokens and access key pairs: who may do what.' },
  { name: 'audit', description: 'What was changed and shown in full, by whom and when.' },
  { name: 'operations', description: 'For load balancers and monitoring.' },
]

const description = [
  'Phone number privacy: two people talk through a virtual number X and neither learns the',
  "other's. Real numbers in answers are masked (`138****0001`). Errors are problem details",
  '(RFC 9457). Lists are pages: give `nextCursor` back as `cursor` until it is absent.',
  'A token has scopes; each operation names the one that it needs: `read` everything but real',
  'numbers, `bind` bindings, `numbers` pools, X numbers and groups, `money` what costs, `reveal`',
  'real numbers in full, `admin` tokens, keys and the audit log. What is marked `operator` is for',
  'tokens of the account that runs the installation, with the scope `admin`.',
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
    transform: ({ schema, url, route }) => ({ schema: withScope(schema, route?.config), url }),
    refResolver: { buildLocalReference: (schema) => String(schema['$id']) },
  })
  await app.register(reader)
}

/** Each operation says in its security requirement which scope it needs (OpenAPI 3.1: roles). */
function withScope(schema: FastifySchema, config: FastifyContextConfig | undefined): FastifySchema {
  const scope = config?.scope
  return scope === undefined ? schema : { ...schema, security: [{ token: [scope] }] }
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
