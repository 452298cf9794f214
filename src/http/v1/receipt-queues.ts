import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import type { QueueRoute, QueueRoutes } from '../../receipts/routes.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import { discardQuery, messageTypeShape } from './receipt-shapes.ts'
import { sendList } from './send-list.ts'
import { closed, pageOf, pageQuery, poolKeyShape, timeShape, timeText } from './shapes.ts'

const settings = {
  enabled: Type.Boolean({
    description: 'Off: nothing new is put in; what is in can still be pulled.',
  }),
  poolKeys: Type.Array(poolKeyShape, {
    maxItems: 1000,
    description: 'Pools whose receipts of this type go here and not to the default queue.',
  }),
  visibilitySeconds: Type.Integer({
    minimum: 1,
    maximum: 43_200,
    description: 'How long a message that was pulled stays away from other readers.',
    examples: [30],
  }),
  retentionSeconds: Type.Integer({
    minimum: 60,
    maximum: 1_296_000,
    description: 'How long a message that nobody deletes is kept.',
    examples: [259_200],
  }),
}

const optionalSettings = {
  enabled: Type.Optional(settings.enabled),
  poolKeys: Type.Optional(settings.poolKeys),
  visibilitySeconds: Type.Optional(settings.visibilitySeconds),
  retentionSeconds: Type.Optional(settings.retentionSeconds),
}

const QueueRequest = Type.Object(
  {
    type: messageTypeShape,
    suffix: Type.Optional(
      Type.String({
        pattern: '^[0-9A-Za-z][0-9A-Za-z-]{0,31}$',
        description:
          'Ends the name of a queue that is tied to pools. Absent: the default queue of the type.',
        examples: ['100000'],
      }),
    ),
    ...optionalSettings,
  },
  {
    ...closed,
    examples: [{ type: 'SecretReport', suffix: '100000', poolKeys: ['FC100000000000001'] }],
  },
)

const QueueChange = Type.Object(optionalSettings, {
  ...closed,
  minProperties: 1,
  examples: [{ enabled: false }],
})

const queueNameShape = Type.String({
  pattern: '^[0-9A-Za-z][0-9A-Za-z-]{0,119}$',
  description: "The vendor API's `QueueName`.",
  examples: ['Alicom-Queue-main-SecretReport'],
})

const QueueAnswer = Type.Object(
  {
    name: queueNameShape,
    type: messageTypeShape,
    isDefault: Type.Boolean({
      description: 'Takes what comes from pools that no other queue of the type is tied to.',
    }),
    ...settings,
    createdAt: timeShape,
  },
  {
    examples: [
      {
        name: 'Alicom-Queue-main-SecretReport-100000',
        type: 'SecretReport',
        isDefault: false,
        enabled: true,
        poolKeys: ['FC100000000000001'],
        visibilitySeconds: 30,
        retentionSeconds: 259_200,
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const csvColumns = [
  ...(['name', 'type', 'isDefault', 'enabled', 'poolKeys'] as const),
  ...(['visibilitySeconds', 'retentionSeconds', 'createdAt'] as const),
]

const QueueQuery = Type.Object(
  { type: Type.Optional(messageTypeShape), ...pageQuery, ...csvQuery },
  closed,
)
const QueueParams = Type.Object({ name: queueNameShape })
type App = Parameters<FastifyPluginAsyncTypebox>[0]

export const receiptQueueRoutes: FastifyPluginAsyncTypebox<{ queueRoutes: QueueRoutes }> = async (
  app,
  { queueRoutes },
) => {
  app.post(
    '/receipts/queues',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'createReceiptQueue',
        summary: 'Add a queue that receipts of one type can be pulled from',
        description:
          'Named `Alicom-Queue-<account>-<type>`, with `-<suffix>` when it is tied to pools; at most ten of those for each type. Receipts that are made after the answer go by it.',
        tags: ['receipts'],
        body: QueueRequest,
        response: { 201: QueueAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { poolKeys = [], suffix, ...rest } = request.body
      const made = { accountId, suffix, poolKeys: poolKeys as PoolKey[], ...rest }
      const queue = await queueRoutes.create(made)
      reply.header('location', `/v1/receipts/queues/${queue.name}`)
      return reply.code(201).send(answerOf(queue))
    },
  )

  app.get(
    '/receipts/queues',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listReceiptQueues',
        summary: 'Queues of receipts, by name',
        tags: ['receipts'],
        querystring: QueueQuery,
        response: { 200: pageOrCsv(pageOf(QueueAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { type } = request.query
      const { accountId } = principalOf(request)
      return sendList(request, reply, {
        name: 'receipt-queues',
        columns: csvColumns,
        list: (part) => queueRoutes.list({ accountId, type, ...part }),
        answer: answerOf,
      })
    },
  )

  addSingleRoutes(app, queueRoutes)
}

const addSingleRoutes = (app: App, queueRoutes: QueueRoutes): void => {
  app.get(
    '/receipts/queues/:name',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getReceiptQueue',
        summary: 'One queue by its name',
        tags: ['receipts'],
        params: QueueParams,
        response: { 200: QueueAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await queueRoutes.get({ accountId, name: request.params.name }))
    },
  )

  app.patch(
    '/receipts/queues/:name',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'changeReceiptQueue',
        summary: 'Change a queue, or the pools that it is tied to',
        description: 'What is absent stays; `poolKeys` takes the place of all that there were.',
        tags: ['receipts'],
        params: QueueParams,
        body: QueueChange,
        response: { 200: QueueAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const { poolKeys, ...rest } = request.body
      const change = { ...rest, poolKeys: poolKeys as PoolKey[] | undefined }
      return answerOf(await queueRoutes.change({ accountId, name: request.params.name }, change))
    },
  )

  app.delete(
    '/receipts/queues/:name',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'deleteReceiptQueue',
        summary: 'Delete a queue; with messages in it only when `discard` says so',
        tags: ['receipts'],
        params: QueueParams,
        querystring: Type.Object(discardQuery, closed),
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const discard = request.query.discard === true
      await queueRoutes.remove({ accountId, name: request.params.name }, { discard })
      return reply.code(204).send(null)
    },
  )
}

function answerOf(queue: QueueRoute): Static<typeof QueueAnswer> {
  return {
    name: queue.name,
    type: queue.type,
    isDefault: queue.isDefault,
    enabled: queue.enabled,
    poolKeys: queue.poolKeys.map(String),
    visibilitySeconds: queue.visibilitySeconds,
    retentionSeconds: queue.retentionSeconds,
    createdAt: timeText(queue.createdAt),
  }
}
