import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, type TOptional, type TSchema, Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import type { Pool } from '../../numbers/pool.ts'
import type { Pools } from '../../numbers/pools.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import { idempotencyHeaders } from './number-shapes.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
  lineOfText,
  listOf,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  ringSecondsShape,
  talkSecondsShape,
  timeShape,
  timeText,
  tonesShape,
} from './shapes.ts'

const nameShape = lineOfText(16, { description: 'For people.', examples: ['Couriers'] })

/** Limits and meanings are those of the room, which also knows what is of no use to a product. */
const settings = {
  assignmentMode: Type.Enum(['default', 'strict', 'smart'], {
    description:
      'Which X a bind gets that names none. default: of the city asked for, else any; strict: of that city or none; smart: of that city, else of its provincial capital, else any.',
  }),
  callbackMode: Type.Enum(['default-b', 'last-caller', 'disabled'], {
    description: 'Where A is sent who calls X. AXN, AXN_EXTENSION, 95AXN and AXG only.',
  }),
  smsMode: Type.Enum(['off', 'intercept', 'smart'], {
    description: 'What becomes of a text to X. Always off in 95AXN pools.',
  }),
  tones: tonesShape,
  recording: Type.Boolean({ description: 'Record every call.', examples: [false] }),
  ringSeconds: ringSecondsShape,
  talkSeconds: talkSecondsShape,
  coolingDays: Type.Integer({
    minimum: 0,
    maximum: 365,
    description: 'How long an X is not given again to somebody who was bound on it.',
    examples: [7],
  }),
  controlUrl: lineOfText(2048, {
    description: 'X_MODE only, and needed there: who is asked what to do with a call.',
    examples: ['https://calls.example.com/decide'],
  }),
}

const alarmShape = Type.Integer({
  minimum: 1,
  maximum: 100,
  description: 'From this utilisation on, in per cent, an alarm is raised.',
  examples: [80],
})

const PoolRequest = Type.Object(
  {
    name: nameShape,
    product: productShape,
    ...optional(settings),
    alarmPercent: Type.Optional(alarmShape),
  },
  {
    ...closed,
    examples: [{ name: 'Couriers', product: 'AXB', recording: false, alarmPercent: 80 }],
  },
)

const PoolChange = Type.Object(
  {
    name: Type.Optional(nameShape),
    ...optional(settings),
    alarmPercent: Type.Optional(
      Type.Union([alarmShape, Type.Null({ description: 'No alarm any more.' })]),
    ),
  },
  { ...closed, minProperties: 1, examples: [{ recording: true, alarmPercent: null }] },
)

const PoolAnswer = Type.Object(
  {
    key: poolKeyShape,
    name: nameShape,
    product: productShape,
    ...settings,
    controlUrl: Type.Optional(settings.controlUrl),
    alarmPercent: Type.Optional(alarmShape),
    numbers: Type.Integer({ description: 'X numbers in it.', examples: [20] }),
    bound: Type.Integer({ description: 'X numbers with a binding.', examples: [3] }),
    bindings: Type.Integer({ description: 'Live bindings.', examples: [5] }),
    bindable: Type.Integer({ description: 'Bindings that fit beside them.', examples: [3995] }),
    utilisation: Type.Number({
      description: 'Bindings in per cent of all that fit. Of a large pool it may be 5 s old.',
      examples: [0.13],
    }),
    groups: Type.Integer({ description: 'G groups in it (AXG).', examples: [0] }),
    blockedCallers: Type.Integer({ description: 'Numbers on its blacklist.', examples: [0] }),
    blockedPairs: Type.Integer({ description: 'Pairs on its blacklist.', examples: [0] }),
    createdAt: timeShape,
  },
  {
    examples: [
      {
        key: 'FC100000000000001',
        name: 'Couriers',
        product: 'AXB',
        assignmentMode: 'default',
        callbackMode: 'default-b',
        smsMode: 'off',
        tones: { a: '10000002', peer: '10000002' },
        recording: false,
        ringSeconds: 60,
        talkSeconds: 14_400,
        alarmPercent: 80,
        coolingDays: 0,
        numbers: 20,
        bound: 3,
        bindings: 5,
        bindable: 3995,
        utilisation: 0.13,
        groups: 0,
        blockedCallers: 0,
        blockedPairs: 0,
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const csvColumns = [
  ...(['key', 'name', 'product', 'numbers', 'bound', 'bindings', 'bindable'] as const),
  ...(['utilisation', 'assignmentMode', 'callbackMode', 'smsMode', 'recording'] as const),
  ...(['ringSeconds', 'talkSeconds', 'alarmPercent', 'coolingDays', 'groups'] as const),
  ...(['blockedCallers', 'blockedPairs', 'createdAt'] as const),
]

const PoolQuery = Type.Object(
  {
    product: Type.Optional(productShape),
    search: Type.Optional(
      lineOfText(32, { description: 'The key, or a part of the name.', examples: ['couri'] }),
    ),
    order: Type.Optional(
      Type.Enum(['newest', 'oldest'], { description: '`newest` first unless given.' }),
    ),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

const ProductAnswer = Type.Object(
  { product: productShape, pools: Type.Integer({ description: 'Pools of it.', examples: [2] }) },
  { examples: [{ product: 'AXB', pools: 2 }] },
)

const PoolParams = Type.Object({ key: poolKeyShape })

export const poolRoutes: FastifyPluginAsyncTypebox<{ pools: Pools }> = async (app, { pools }) => {
  app.post(
    '/pools',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'createPool',
        summary: 'Add a pool of X numbers',
        description:
          'What it says of its bindings holds for those that do not say otherwise. What its product has no use for is refused. A pool cannot be removed.',
        tags: ['pools'],
        headers: idempotencyHeaders,
        body: PoolRequest,
        response: { 201: PoolAnswer, ...problems(400, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { ringSeconds, talkSeconds, ...rest } = request.body
      const pool = await pools.create({
        accountId,
        ...rest,
        ringSecondsMax: ringSeconds,
        talkSecondsMax: talkSeconds,
        idempotencyKey: request.headers['idempotency-key'],
      })
      reply.header('location', `/v1/pools/${pool.key}`)
      return reply.code(201).send(answerOf(pool))
    },
  )

  addListRoutes(app, pools)
  addSingleRoutes(app, pools)
}

const addListRoutes = (app: Parameters<FastifyPluginAsyncTypebox>[0], pools: Pools): void => {
  app.get(
    '/pools',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listPools',
        summary: 'Pools, newest first',
        tags: ['pools'],
        querystring: PoolQuery,
        response: { 200: pageOrCsv(pageOf(PoolAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { product, search, order } = request.query
      const filter = { accountId: principalOf(request).accountId, product, search, order }
      return sendList(request, reply, {
        name: 'pools',
        columns: csvColumns,
        list: (part) => pools.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.get(
    '/products',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listProducts',
        summary: 'Products, and how many pools there are of each',
        tags: ['pools'],
        response: { 200: listOf(ProductAnswer), ...problems() },
      },
    },
    async (request) => {
      const counts = await pools.countByProduct(principalOf(request).accountId)
      const products = productShape.enum
      return { items: products.map((product) => ({ product, pools: counts.get(product) ?? 0 })) }
    },
  )
}

const addSingleRoutes = (app: Parameters<FastifyPluginAsyncTypebox>[0], pools: Pools): void => {
  app.get(
    '/pools/:key',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getPool',
        summary: 'One pool by its key',
        tags: ['pools'],
        params: PoolParams,
        response: { 200: PoolAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await pools.get(accountId, request.params.key as PoolKey))
    },
  )

  app.patch(
    '/pools/:key',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'changePool',
        summary: 'Change what a pool says',
        description:
          'What is absent stays; `tones` takes the place of all that there were. Every call that arrives after the answer goes by it, which takes some seconds for a pool of 100 000 numbers.',
        tags: ['pools'],
        params: PoolParams,
        body: PoolChange,
        response: { 200: PoolAnswer, ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const { ringSeconds, talkSeconds, alarmPercent, ...rest } = request.body
      const pool = await pools.change(accountId, request.params.key as PoolKey, {
        ...rest,
        ringSecondsMax: ringSeconds,
        talkSecondsMax: talkSeconds,
        alarmPercent: alarmPercent === null ? 'none' : alarmPercent,
      })
      return answerOf(pool)
    },
  )
}

function answerOf(pool: Pool): Static<typeof PoolAnswer> {
  const { usage } = pool
  return compact({
    key: pool.key as string,
    name: pool.name,
    product: pool.product,
    assignmentMode: pool.assignmentMode,
    callbackMode: pool.callbackMode,
    smsMode: pool.smsMode,
    tones: pool.tones,
    recording: pool.recording,
    ringSeconds: pool.ringSecondsMax,
    talkSeconds: pool.talkSecondsMax,
    alarmPercent: pool.alarmPercent,
    coolingDays: pool.coolingDays,
    controlUrl: pool.controlUrl,
    numbers: usage.numbers,
    bound: usage.boundNumbers,
    bindings: usage.bindings,
    bindable: usage.bindable,
    utilisation: usage.utilisation,
    groups: pool.groups,
    blockedCallers: pool.blockedCallers,
    blockedPairs: pool.blockedPairs,
    createdAt: timeText(pool.createdAt),
  })
}

type Optional<Shapes extends Record<string, TSchema>> = {
  [Name in keyof Shapes]: TOptional<Shapes[Name]>
}

function optional<Shapes extends Record<string, TSchema>>(shapes: Shapes): Optional<Shapes> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, Type.Optional(shape)]),
  ) as Optional<Shapes>
}
