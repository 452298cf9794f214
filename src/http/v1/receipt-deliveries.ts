import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Deliveries, Delivery } from '../../receipts/deliveries.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import { messageTypeShape, receiptIdShape } from './receipt-shapes.ts'
import { sendList } from './send-list.ts'
import { closed, compact, pageOf, pageQuery, timeShape, timeText } from './shapes.ts'

const stateShape = Type.Enum(['due', 'sent', 'dead'], {
  description: 'due: waits, or is tried again; sent: was taken; dead: no try is left.',
})
const callIdShape = Type.String({
  pattern: '^[\\w-]{1,100}$',
  description: 'Id of a call; of AlarmReport `alarm-` and the id of the alarm.',
  examples: ['0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'],
})
const wayShape = Type.Enum(['push', 'kafka'], {
  description: 'What was pushed, or what goes to Kafka; `push` unless given.',
})
const span = {
  since: Type.Optional({ ...timeShape, description: 'Made at this time or later.' }),
  until: Type.Optional({ ...timeShape, description: 'Made before this time.' }),
}

const DeliveryAnswer = Type.Object(
  {
    id: receiptIdShape,
    type: messageTypeShape,
    eventId: Type.String({
      description: 'Stable: `id` in the receipt itself.',
      examples: ['0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10:end'],
    }),
    callId: Type.Optional(callIdShape),
    state: stateShape,
    attempts: Type.Integer({ description: 'Tries so far.', examples: [1] }),
    lastStatus: Type.Optional(
      Type.Integer({
        description: "HTTP status of the last try; Kafka's error code.",
        examples: [200],
      }),
    ),
    lastFault: Type.Optional(
      Type.String({ description: 'What was wrong the last time.', examples: ['status 500'] }),
    ),
    answeredMs: Type.Optional(
      Type.Integer({ description: 'How long the last try took.', examples: [41] }),
    ),
    triedAt: Type.Optional(timeShape),
    dueAt: Type.Optional({ ...timeShape, description: 'When it is tried next.' }),
    happenedAt: { ...timeShape, description: 'When that happened which it tells of.' },
    createdAt: timeShape,
  },
  {
    examples: [
      {
        id: '4711',
        type: 'SecretReport',
        eventId: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10:end',
        callId: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
        state: 'sent',
        attempts: 1,
        lastStatus: 200,
        answeredMs: 41,
        triedAt: '2030-01-30T02:00:00.700Z',
        happenedAt: '2030-01-30T02:00:00.250Z',
        createdAt: '2030-01-30T02:00:00.500Z',
      },
    ],
  },
)

const csvColumns = [
  ...(['id', 'type', 'eventId', 'callId', 'state', 'attempts', 'lastStatus'] as const),
  ...(['lastFault', 'answeredMs', 'triedAt', 'dueAt', 'happenedAt', 'createdAt'] as const),
]

const DeliveryQuery = Type.Object(
  {
    way: Type.Optional(wayShape),
    type: Type.Optional(messageTypeShape),
    state: Type.Optional(stateShape),
    callId: Type.Optional(callIdShape),
    ...span,
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

const ResendRequest = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(receiptIdShape, {
        minItems: 1,
        maxItems: 200,
        description: 'These, dead or sent. Absent: all that the rest of the body says.',
      }),
    ),
    way: Type.Optional(wayShape),
    type: Type.Optional(messageTypeShape),
    state: Type.Optional(
      Type.Enum(['sent', 'dead'], { description: 'Without `ids`, `dead` unless given.' }),
    ),
    ...span,
  },
  {
    ...closed,
    minProperties: 1,
    examples: [{ type: 'SecretReport', since: '2030-01-30T02:00:00Z' }],
  },
)

const ReplayRequest = Type.Object(
  {
    type: messageTypeShape,
    since: { ...timeShape, description: 'Made at this time or later.' },
    until: span.until,
    queue: Type.Optional(
      Type.String({
        pattern: '^[0-9A-Za-z][0-9A-Za-z-]{0,119}$',
        description: 'A queue of the type, by its name. Absent: they are sent on `way`.',
        examples: ['Alicom-Queue-main-SecretReport'],
      }),
    ),
    way: Type.Optional(wayShape),
  },
  { ...closed, examples: [{ type: 'SecretReport', since: '2030-01-30T02:00:00Z' }] },
)

const CountAnswer = Type.Object(
  { receipts: Type.Integer({ description: 'How many are in line now.', examples: [12] }) },
  { examples: [{ receipts: 12 }] },
)

type App = Parameters<FastifyPluginAsyncTypebox>[0]

export const receiptDeliveryRoutes: FastifyPluginAsyncTypebox<{ deliveries: Deliveries }> = async (
  app,
  { deliveries },
) => {
  app.get(
    '/receipts/deliveries',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listReceiptDeliveries',
        summary: 'What became of receipts that are pushed or go to Kafka, newest first',
        description: '`state=dead` lists those that no try is left for.',
        tags: ['receipts'],
        querystring: DeliveryQuery,
        response: { 200: pageOrCsv(pageOf(DeliveryAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { way, type, state, callId, since, until } = request.query
      const { accountId } = principalOf(request)
      const span = { since: time(since), until: time(until) }
      const filter = { accountId, way, type, state, callId, ...span }
      return sendList(request, reply, {
        name: 'receipt-deliveries',
        columns: csvColumns,
        list: (part) => deliveries.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  addAgainRoutes(app, deliveries)
}

const addAgainRoutes = (app: App, deliveries: Deliveries): void => {
  app.post(
    '/receipts/deliveries/resend',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'resendReceipts',
        summary: 'Send receipts again that were sent, or that no try was left for',
        description: 'By id, or by type and time. They have all their tries again.',
        tags: ['receipts'],
        body: ResendRequest,
        response: { 200: CountAnswer, ...problems(400, 413, 415) },
      },
    },
    async (request) => {
      const { way, ids, type, state, since, until } = request.body
      const { accountId } = principalOf(request)
      const which = { accountId, way, ids, type, state, since: time(since), until: time(until) }
      return { receipts: await deliveries.resend(which) }
    },
  )

  app.post(
    '/receipts/replay',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'replayReceipts',
        summary: 'Give out all that is kept of a type again, from a point in time on',
        description:
          'To the push of the type, to Kafka or to one of its queues, whether they had it before or not. What waits there already is not doubled.',
        tags: ['receipts'],
        body: ReplayRequest,
        response: { 200: CountAnswer, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) => {
      const { type, since, until, queue, way } = request.body
      const { accountId } = principalOf(request)
      const what = { accountId, type, since: new Date(since), until: time(until), queue, way }
      return { receipts: await deliveries.replay(what) }
    },
  )
}

function time(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

function answerOf(delivery: Delivery): Static<typeof DeliveryAnswer> {
  const { triedAt, dueAt } = delivery
  return compact({
    id: delivery.id,
    type: delivery.type,
    eventId: delivery.eventId,
    callId: delivery.callId as string | undefined,
    state: delivery.state,
    attempts: delivery.attempts,
    lastStatus: delivery.lastStatus,
    lastFault: delivery.lastFault,
    answeredMs: delivery.answeredMs,
    triedAt: triedAt === undefined ? undefined : timeText(triedAt),
    dueAt: dueAt === undefined ? undefined : timeText(dueAt),
    happenedAt: timeText(delivery.happenedAt),
    createdAt: timeText(delivery.createdAt),
  })
}
