import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { KafkaRoute, KafkaRoutes } from '../../receipts/kafka-routes.ts'
import { principalOf } from '../auth.ts'
import { problems } from '../problem.ts'
import { discardQuery, messageTypeShape } from './receipt-shapes.ts'
import { closed, compact, listOf, timeShape, timeText } from './shapes.ts'

const enabledShape = Type.Boolean({
  description: 'Off: what waits is kept, nothing new is taken on.',
})

const KafkaRequest = Type.Object(
  { enabled: Type.Optional(enabledShape) },
  { ...closed, examples: [{ enabled: true }] },
)

const KafkaAnswer = Type.Object(
  {
    type: messageTypeShape,
    topic: Type.String({
      description: 'Where they go; the installation says how topics are named.',
      examples: ['axbridge.main.SecretReport'],
    }),
    enabled: enabledShape,
    createdAt: timeShape,
    failingSince: Type.Optional({
      ...timeShape,
      description: 'Since when nothing has arrived; absent: the last try went well.',
    }),
    lastFault: Type.Optional(
      Type.String({
        description: 'What was wrong the last time.',
        examples: ['the connection was refused'],
      }),
    ),
  },
  {
    examples: [
      {
        type: 'SecretReport',
        topic: 'axbridge.main.SecretReport',
        enabled: true,
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const TestAnswer = Type.Object(
  {
    ok: Type.Boolean({ description: 'All replicas that are in sync have the example.' }),
    status: Type.Optional(
      Type.Integer({
        description: "Kafka's error code, where a broker has said it.",
        examples: [29],
      }),
    ),
    fault: Type.Optional(
      Type.String({ description: 'What was wrong.', examples: ['the connection was refused'] }),
    ),
    ms: Type.Integer({ description: 'How long it took.', examples: [12] }),
  },
  { examples: [{ ok: true, ms: 12 }] },
)

const KafkaParams = Type.Object({ type: messageTypeShape })
type App = Parameters<FastifyPluginAsyncTypebox>[0]

export const receiptKafkaRoutes: FastifyPluginAsyncTypebox<{ kafkaRoutes: KafkaRoutes }> = async (
  app,
  { kafkaRoutes },
) => {
  app.get(
    '/receipts/kafka',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listReceiptKafka',
        summary: 'Which receipts go to Kafka, by type',
        tags: ['receipts'],
        response: { 200: listOf(KafkaAnswer), ...problems() },
      },
    },
    async (request) => {
      const routes = await kafkaRoutes.list(principalOf(request).accountId)
      return { items: routes.map(answerOf) }
    },
  )

  app.put(
    '/receipts/kafka/:type',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'putReceiptKafka',
        summary: "Send receipts of a type to the installation's Kafka, or stop for a while",
        description:
          'Receipts that are made after the answer go by it. Refused with `kafka-unset` where no Kafka is set up.',
        tags: ['receipts'],
        params: KafkaParams,
        body: KafkaRequest,
        response: { 200: KafkaAnswer, 201: KafkaAnswer, ...problems(400, 404, 409, 413, 415) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const key = { accountId, type: request.params.type }
      const { route, isNew } = await kafkaRoutes.put(key, request.body)
      return reply.code(isNew ? 201 : 200).send(answerOf(route))
    },
  )

  addSingleRoutes(app, kafkaRoutes)
}

const addSingleRoutes = (app: App, kafkaRoutes: KafkaRoutes): void => {
  app.get(
    '/receipts/kafka/:type',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getReceiptKafka',
        summary: 'Where receipts of one type go in Kafka, and how it goes',
        tags: ['receipts'],
        params: KafkaParams,
        response: { 200: KafkaAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await kafkaRoutes.get({ accountId, type: request.params.type }))
    },
  )

  app.delete(
    '/receipts/kafka/:type',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'deleteReceiptKafka',
        summary:
          'Send a type to Kafka no more; with receipts that wait only when `discard` says so',
        tags: ['receipts'],
        params: KafkaParams,
        querystring: Type.Object(discardQuery, closed),
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const discard = request.query.discard === true
      await kafkaRoutes.remove({ accountId, type: request.params.type }, { discard })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/receipts/kafka/:type/test',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'testReceiptKafka',
        summary: 'Send one example to the topic and see how it is answered',
        description:
          'Its event id begins with `test:`. A topic that takes it is not held up any more.',
        tags: ['receipts'],
        params: KafkaParams,
        response: { 200: TestAnswer, ...problems(400, 404, 409) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const answer = await kafkaRoutes.test({ accountId, type: request.params.type })
      if (answer.fault === undefined) return { ok: true, ms: answer.ms }
      const { status, fault, ms } = answer
      return compact({ ok: false, status, fault, ms })
    },
  )
}

function answerOf(route: KafkaRoute): Static<typeof KafkaAnswer> {
  const { failingSince } = route
  return compact({
    type: route.type,
    topic: route.topic,
    enabled: route.enabled,
    createdAt: timeText(route.createdAt),
    failingSince: failingSince === undefined ? undefined : timeText(failingSince),
    lastFault: route.lastFault,
  })
}
