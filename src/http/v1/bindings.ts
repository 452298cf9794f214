import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { BindingFilter } from '../../bindings/binding.ts'
import type { Bindings } from '../../bindings/bindings.ts'
import type { AccountId, PoolKey } from '../../domain/ids.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { guessable } from '../guessable.ts'
import { problems, RequestRefused } from '../problem.ts'
import { bindingBulkRoutes } from './binding-bulks.ts'
import { changeOf, commandOf, idIn } from './binding-requests.ts'
import {
  answerOf,
  BindingAnswer,
  BindingChangeRequest,
  BindRequest,
  csvColumns,
  extensionShape,
  groupIdShape,
  keyHeaders,
  outIdShape,
} from './binding-shapes.ts'
import { sendList } from './send-list.ts'
import {
  bindingIdShape,
  closed,
  pageAnswer,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  realNumberShape,
  virtualIn,
  virtualNumberShape,
} from './shapes.ts'

const BindingParams = Type.Object({ id: bindingIdShape })

/** The vendor's protocol names pool and X besides the id; who wants the same check gives them here. */
const MustMatch = Type.Object(
  {
    poolKey: Type.Optional({ ...poolKeyShape, description: 'Must be the pool of the binding.' }),
    x: Type.Optional({ ...virtualNumberShape, description: 'Must be the X of the binding.' }),
  },
  closed,
)
type MustMatch = Static<typeof MustMatch>

const filters = {
  poolKey: Type.Optional(poolKeyShape),
  product: Type.Optional(productShape),
  x: Type.Optional(virtualNumberShape),
  outId: Type.Optional(outIdShape),
  groupId: Type.Optional(groupIdShape),
  extension: Type.Optional(extensionShape),
  status: Type.Optional(Type.Enum(['live', 'expired', 'unbound'])),
  live: Type.Optional(
    Type.Boolean({ description: '`true`: only those that are live, as `status=live`.' }),
  ),
  order: Type.Optional(
    Type.Enum(['newest', 'oldest', 'expires'], {
      description: '`newest` unless given. `expires`: the live ones, the next to expire first.',
    }),
  ),
}

const BindingQuery = Type.Object({ ...filters, ...pageQuery, ...csvQuery }, closed)

const BindingSearch = Type.Object(
  {
    phone: realNumberShape,
    role: Type.Optional(
      Type.Enum(['A', 'any'], { description: '`A`: only where it is A. Else as A or B.' }),
    ),
    ...filters,
    ...pageQuery,
  },
  { ...closed, examples: [{ phone: '13800000001', role: 'A', status: 'live' }] },
)

type Filters = Static<typeof BindingQuery> | Static<typeof BindingSearch>

type BindingDeps = { bindings: Bindings; parser: NumberParser }
type App = Parameters<FastifyPluginAsyncTypebox>[0]

export const bindingRoutes: FastifyPluginAsyncTypebox<BindingDeps> = async (app, deps) => {
  const { bindings, parser } = deps
  app.post(
    '/bindings',
    {
      config: { scope: 'bind' },
      schema: {
        operationId: 'createBinding',
        summary: 'Bind A, and B where there is one, to an X number',
        description:
          'The next call that arrives after the answer sees the binding. Without `x` a free one of the pool is taken: of the expected city, or of the city of A, as the pool assigns.',
        tags: ['bindings'],
        headers: keyHeaders,
        body: BindRequest,
        response: { 201: BindingAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const command = commandOf(request.body, principalOf(request), parser)
      const idempotencyKey = request.headers['idempotency-key']
      const bound = await bindings.bind({ ...command, idempotencyKey })
      reply.header('location', `/v1/bindings/${bound.id}`)
      return reply.code(201).send(answerOf(bound))
    },
  )
  addLists(app, deps)
  addSingleRoutes(app, deps)
  await app.register(bindingBulkRoutes, deps)
}

function addLists(app: App, { bindings, parser }: BindingDeps): void {
  app.get(
    '/bindings',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listBindings',
        summary: 'Bindings, newest first',
        tags: ['bindings'],
        querystring: BindingQuery,
        response: { 200: pageOrCsv(pageOf(BindingAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const filter = filterOf(request.query, principalOf(request).accountId, parser, 'querystring')
      return sendList(request, reply, {
        name: 'bindings',
        columns: csvColumns,
        list: (part) => bindings.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.post(
    '/bindings/search',
    {
      config: { scope: 'read', ...guessable },
      schema: {
        operationId: 'searchBindings',
        summary: 'Bindings of a real number, newest first',
        description: 'A POST, so that the number stands in no URL and no log of URLs.',
        tags: ['bindings'],
        body: BindingSearch,
        response: { 200: pageOf(BindingAnswer), ...problems(400, 413, 415, 422) },
      },
    },
    async (request) => {
      const { phone, role, limit, cursor } = request.body
      const number = parser.real(phone)
      if (number === undefined) throw notANumber()
      const filter = filterOf(request.body, principalOf(request).accountId, parser, 'body')
      const party = role === 'A' ? { a: number } : { party: number }
      return pageAnswer(await bindings.list({ ...filter, ...party, limit, cursor }), answerOf)
    },
  )
}

function filterOf(
  given: Filters,
  accountId: AccountId,
  parser: NumberParser,
  at: string,
): BindingFilter {
  const { poolKey, product, x, outId, groupId, extension, status, live, order } = given
  return {
    accountId,
    poolKey: poolKey as PoolKey | undefined,
    product,
    x: x === undefined ? undefined : virtualIn(`${at}/x`, x, parser),
    ...{ outId, groupId, extension },
    state: live === true ? 'live' : status,
    sort: order,
  }
}

const notANumber = () =>
  new RequestRefused(
    [
      {
        pointer: 'body/phone',
        detail:
          'is not a phone number; give mobile or fixed line with area code, or E.164 with plus',
      },
    ],
    { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' },
  )

function addSingleRoutes(app: App, { bindings, parser }: BindingDeps): void {
  const refOf = (accountId: AccountId, id: string, { poolKey, x }: MustMatch) => ({
    accountId,
    id: idIn(id),
    poolKey: poolKey as PoolKey | undefined,
    x: x === undefined ? undefined : virtualIn('querystring/x', x, parser),
  })

  app.get(
    '/bindings/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getBinding',
        summary: 'One binding, live or over',
        tags: ['bindings'],
        params: BindingParams,
        response: { 200: BindingAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await bindings.get(accountId, idIn(request.params.id)))
    },
  )

  app.patch(
    '/bindings/:id',
    {
      config: { scope: 'bind' },
      schema: {
        operationId: 'updateBinding',
        summary: 'Change a live binding',
        description:
          'What is not named stays. The next call that arrives after the answer sees the change; a call that is up goes on as it began.',
        tags: ['bindings'],
        headers: keyHeaders,
        params: BindingParams,
        querystring: MustMatch,
        body: BindingChangeRequest,
        response: { 200: BindingAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const updated = await bindings.update({
        ...refOf(accountId, request.params.id, request.query),
        change: changeOf(request.body, parser),
        idempotencyKey: request.headers['idempotency-key'],
      })
      return answerOf(updated)
    },
  )

  app.delete(
    '/bindings/:id',
    {
      config: { scope: 'bind' },
      schema: {
        operationId: 'deleteBinding',
        summary: 'Unbind: end a binding now',
        description:
          'No call that arrives after the answer is connected by it; a call that is up goes on.',
        tags: ['bindings'],
        params: BindingParams,
        querystring: MustMatch,
        response: { 204: Type.Null({ description: 'It is over.' }), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      await bindings.unbind(refOf(accountId, request.params.id, request.query))
      return reply.code(204).send(null)
    },
  )
}
