import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PushRoute, PushRoutes } from '../../receipts/push-routes.ts'
import { principalOf } from '../auth.ts'
import { problems } from '../problem.ts'
import { discardQuery, messageTypeShape } from './receipt-shapes.ts'
import { closed, compact, lineOfText, listOf, timeShape, timeText } from './shapes.ts'

const settings = {
  url: lineOfText(2048, {
    description: 'Where receipts of the type are posted to: http or https, a public host.',
    examples: ['https://receipts.example.com/ends'],
  }),
  enabled: Type.Boolean({ description: 'Off: what waits is kept, nothing new is taken on.' }),
  timeoutMs: Type.Integer({
    minimum: 100,
    maximum: 30_000,
    description: 'How long a receiver has for its whole answer; 3000 unless given.',
    examples: [3000],
  }),
  batchMax: Type.Integer({
    minimum: 1,
    maximum: 100,
    description: 'How many receipts at most in one request; 10 unless given.',
    examples: [10],
  }),
  concurrency: Type.Integer({
    minimum: 1,
    maximum: 32,
    description:
      'How many requests at most at the same time; 4 unless given. Those of a call stay in order.',
    examples: [4],
  }),
}

const PushRequest = Type.Object(
  {
    url: settings.url,
    enabled: Type.Optional(settings.enabled),
    timeoutMs: Type.Optional(settings.timeoutMs),
    batchMax: Type.Optional(settings.batchMax),
    concurrency: Type.Optional(settings.concurrency),
  },
  { ...closed, examples: [{ url: 'https://receipts.example.com/ends', timeoutMs: 3000 }] },
)

const fields = {
  type: messageTypeShape,
  ...settings,
  createdAt: timeShape,
  failingSince: Type.Optional({
    ...timeShape,
    description: 'Since when nothing has arrived; absent: the last try went well.',
  }),
  pausedAt: Type.Optional({
    ...timeShape,
    description: 'Failed for ten minutes: tried once a minute until it answers again.',
  }),
  oldSecretUntil: Type.Optional({
    ...timeShape,
    description: 'Until when the secret before the last rotation signs too.',
  }),
}

const example = {
  type: 'SecretReport',
  url: 'https://receipts.example.com/ends',
  enabled: true,
  timeoutMs: 3000,
  batchMax: 10,
  concurrency: 4,
  createdAt: '2030-01-30T02:00:00Z',
}
const secret = Type.String({ description: 'For verifying signatures; shown this once.' })
const secretExample = 'axp_3vQm1xK9yT0aWc5RjZ8uHn2LdPq7sEfGiBoV4tYxNkM'

const PushAnswer = Type.Object(fields, { examples: [example] })
const SecretAnswer = Type.Object(
  { ...fields, secret },
  { examples: [{ ...example, secret: secretExample }] },
)

const TestAnswer = Type.Object(
  {
    ok: Type.Boolean({ description: 'The example was taken: HTTP 200 and a number as `code`.' }),
    status: Type.Optional(Type.Integer({ description: 'HTTP status.', examples: [200] })),
    fault: Type.Optional(Type.String({ description: 'What was wrong.', examples: ['status 500'] })),
    ms: Type.Integer({ description: 'How long it took.', examples: [41] }),
  },
  { examples: [{ ok: true, status: 200, ms: 41 }] },
)

const RotateRequest = Type.Object(
  {
    keepSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 604_800,
        description: 'How long the old secret signs beside the new one; 0 unless given.',
      }),
    ),
  },
  { ...closed, examples: [{ keepSeconds: 3600 }] },
)

const PushParams = Type.Object({ type: messageTypeShape })
type App = Parameters<FastifyPluginAsyncTypebox>[0]

export const receiptPushRoutes: FastifyPluginAsyncTypebox<{ pushRoutes: PushRoutes }> = async (
  app,
  { pushRoutes },
) => {
  app.get(
    '/receipts/pushes',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listReceiptPushes',
        summary: 'Where receipts are pushed to, by type',
        tags: ['receipts'],
        response: { 200: listOf(PushAnswer), ...problems() },
      },
    },
    async (request) => {
      const routes = await pushRoutes.list(principalOf(request).accountId)
      return { items: routes.map(answerOf) }
    },
  )

  app.put(
    '/receipts/pushes/:type',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'putReceiptPush',
        summary: 'Push receipts of a type to a URL, or change how',
        description:
          'The answer that says 201 shows the secret that pushes are signed with, once. What is absent stays. Receipts that are made after the answer go by it, and what waits goes to the new URL.',
        tags: ['receipts'],
        params: PushParams,
        body: PushRequest,
        response: {
          200: PushAnswer,
          201: SecretAnswer,
          ...problems(400, 404, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { type } = request.params
      const put = await pushRoutes.put({ accountId, type }, request.body)
      const answer = answerOf(put.route)
      if (put.secret === undefined) return reply.code(200).send(answer)
      return reply.code(201).send({ ...answer, secret: put.secret })
    },
  )

  addSingleRoutes(app, pushRoutes)
  addSecretRoutes(app, pushRoutes)
}

const addSingleRoutes = (app: App, pushRoutes: PushRoutes): void => {
  app.get(
    '/receipts/pushes/:type',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getReceiptPush',
        summary: 'Where receipts of one type are pushed to, and how it goes',
        tags: ['receipts'],
        params: PushParams,
        response: { 200: PushAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await pushRoutes.get({ accountId, type: request.params.type }))
    },
  )

  app.delete(
    '/receipts/pushes/:type',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'deleteReceiptPush',
        summary: 'Push a type no more; with receipts that wait only when `discard` says so',
        tags: ['receipts'],
        params: PushParams,
        querystring: Type.Object(discardQuery, closed),
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const discard = request.query.discard === true
      await pushRoutes.remove({ accountId, type: request.params.type }, { discard })
      return reply.code(204).send(null)
    },
  )
}

const addSecretRoutes = (app: App, pushRoutes: PushRoutes): void => {
  app.post(
    '/receipts/pushes/:type/rotate',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'rotateReceiptPush',
        summary: 'Sign pushes with a new secret; the old one may sign too for a while',
        tags: ['receipts'],
        params: PushParams,
        body: RotateRequest,
        response: { 200: SecretAnswer, ...problems(400, 404, 413, 415) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const key = { accountId, type: request.params.type }
      const { route, secret } = await pushRoutes.rotate(key, request.body.keepSeconds ?? 0)
      return { ...answerOf(route), secret }
    },
  )

  app.post(
    '/receipts/pushes/:type/test',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'testReceiptPush',
        summary: 'Send one example, signed, and see how it is answered',
        description: 'A URL that was paused and takes it is not paused any more.',
        tags: ['receipts'],
        params: PushParams,
        response: { 200: TestAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const answer = await pushRoutes.test({ accountId, type: request.params.type })
      return compact({ ok: answer.fault === undefined, ...answer })
    },
  )
}

function answerOf(route: PushRoute): Static<typeof PushAnswer> {
  const time = (at: Date | undefined) => (at === undefined ? undefined : timeText(at))
  return compact({
    type: route.type,
    url: route.url,
    enabled: route.enabled,
    timeoutMs: route.timeoutMs,
    batchMax: route.batchMax,
    concurrency: route.concurrency,
    createdAt: timeText(route.createdAt),
    failingSince: time(route.failingSince),
    pausedAt: time(route.pausedAt),
    oldSecretUntil: time(route.oldSecretUntil),
  })
}
