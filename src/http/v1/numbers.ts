import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PoolKey, VirtualNumber } from '../../domain/ids.ts'
import type { XNumber } from '../../numbers/number.ts'
import type { Numbers } from '../../numbers/numbers.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { type Fault, problems, RequestRefused } from '../problem.ts'
import {
  closed,
  compact,
  lineOfText,
  listOf,
  pageAnswer,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  timeShape,
  timeText,
  virtualIn,
  virtualNumberShape,
} from './shapes.ts'

const cityShape = lineOfText(32, {
  description: 'Where the number belongs; absent for nationwide ones.',
  examples: ['杭州'],
})
const stateShape = Type.Enum(['normal', 'locked', 'frozen'], {
  description: 'locked: takes no new binding; frozen: connects no call.',
})

const NumbersRequest = Type.Object(
  {
    poolKey: poolKeyShape,
    numbers: Type.Array(virtualNumberShape, { minItems: 1, maxItems: 1000 }),
    city: Type.Optional(cityShape),
  },
  {
    ...closed,
    examples: [
      {
        poolKey: 'FC100000000000001',
        numbers: ['+8617000000001', '+8617000000002'],
        city: '杭州',
      },
    ],
  },
)

const NumberAnswer = Type.Object(
  {
    x: virtualNumberShape,
    poolKey: poolKeyShape,
    product: productShape,
    city: Type.Optional(cityShape),
    state: stateShape,
    bindings: Type.Integer({ description: 'Live bindings.', examples: [1] }),
    createdAt: timeShape,
  },
  {
    examples: [
      {
        x: '+8617000000001',
        poolKey: 'FC100000000000001',
        product: 'AXB',
        city: '杭州',
        state: 'normal',
        bindings: 1,
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const NumberParams = Type.Object({ x: virtualNumberShape })

const NumberQuery = Type.Object(
  {
    poolKey: Type.Optional(poolKeyShape),
    state: Type.Optional(stateShape),
    bound: Type.Optional(Type.Boolean({ description: 'Only with, or only without a binding.' })),
    ...pageQuery,
  },
  closed,
)

type NumberDeps = { numbers: Numbers; parser: NumberParser }

export const numberRoutes: FastifyPluginAsyncTypebox<NumberDeps> = async (
  app,
  { numbers, parser },
) => {
  app.post(
    '/numbers',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'addNumbers',
        summary: 'Add X numbers to a pool: all or none',
        tags: ['numbers'],
        body: NumbersRequest,
        response: {
          201: listOf(NumberAnswer),
          ...problems(400, 404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { poolKey, city } = request.body
      const added = await numbers.add({
        accountId,
        poolKey: poolKey as PoolKey,
        numbers: virtualsIn(request.body.numbers, parser),
        city,
      })
      return reply.code(201).send({ items: added.map((each) => answerOf(each)) })
    },
  )

  app.get(
    '/numbers',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listNumbers',
        summary: 'X numbers, of all pools or of one',
        tags: ['numbers'],
        querystring: NumberQuery,
        response: { 200: pageOf(NumberAnswer), ...problems(400, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const { poolKey, ...filter } = request.query
      const page = await numbers.list({
        accountId,
        ...filter,
        poolKey: poolKey as PoolKey | undefined,
      })
      return pageAnswer(page, answerOf)
    },
  )

  addSingleRoutes(app, { numbers, parser })
  addLockRoutes(app, { numbers, parser })
}

const addSingleRoutes = (
  app: Parameters<FastifyPluginAsyncTypebox>[0],
  { numbers, parser }: NumberDeps,
): void => {
  app.get(
    '/numbers/:x',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getNumber',
        summary: 'One X number and its state',
        tags: ['numbers'],
        params: NumberParams,
        response: { 200: NumberAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const x = virtualIn('params/x', request.params.x, parser)
      return answerOf(await numbers.get(principalOf(request).accountId, x))
    },
  )

  app.delete(
    '/numbers/:x',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'deleteNumber',
        summary: 'Give an X number back; only when it has no binding',
        tags: ['numbers'],
        params: NumberParams,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const x = virtualIn('params/x', request.params.x, parser)
      await numbers.remove(principalOf(request).accountId, x)
      return reply.code(204).send(null)
    },
  )
}

const addLockRoutes = (
  app: Parameters<FastifyPluginAsyncTypebox>[0],
  { numbers, parser }: NumberDeps,
): void => {
  app.post(
    '/numbers/:x/lock',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'lockNumber',
        summary: 'Lock an X number: no new binding, those it has go on',
        tags: ['numbers'],
        params: NumberParams,
        response: { 200: NumberAnswer, ...problems(400, 404, 409) },
      },
    },
    async (request) => {
      const x = virtualIn('params/x', request.params.x, parser)
      return answerOf(await numbers.lock(principalOf(request).accountId, x))
    },
  )

  app.post(
    '/numbers/:x/unlock',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'unlockNumber',
        summary: 'Unlock an X number: it takes new bindings again',
        tags: ['numbers'],
        params: NumberParams,
        response: { 200: NumberAnswer, ...problems(400, 404, 409) },
      },
    },
    async (request) => {
      const x = virtualIn('params/x', request.params.x, parser)
      return answerOf(await numbers.unlock(principalOf(request).accountId, x))
    },
  )
}

function virtualsIn(texts: readonly string[], parser: NumberParser): VirtualNumber[] {
  const parsed = texts.map((text) => parser.virtual(text))
  const faults: Fault[] = parsed.flatMap((each, at) =>
    each === undefined ? [{ pointer: `body/numbers/${at}`, detail: 'is not a phone number' }] : [],
  )
  if (faults.length > 0) throw new RequestRefused(faults, { vendorCode: 'isv.ILLEGAL_ARGUMENT' })
  return parsed.filter((each) => each !== undefined)
}

function answerOf(number: XNumber): Static<typeof NumberAnswer> {
  return compact({
    x: number.x as string,
    poolKey: number.poolKey as string,
    product: number.product,
    city: number.city,
    state: number.state,
    bindings: number.bindings,
    createdAt: timeText(number.createdAt),
  })
}
