import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import type { Pool } from '../../numbers/number.ts'
import type { Pools } from '../../numbers/pools.ts'
import { principalOf } from '../auth.ts'
import { problems } from '../problem.ts'
import {
  closed,
  compact,
  lineOfText,
  pageAnswer,
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
const recordingShape = Type.Boolean({ description: 'Record every call.', examples: [false] })

const PoolRequest = Type.Object(
  {
    name: nameShape,
    product: productShape,
    tones: Type.Optional(tonesShape),
    recording: Type.Optional(recordingShape),
    ringSeconds: Type.Optional(ringSecondsShape),
    talkSeconds: Type.Optional(talkSecondsShape),
  },
  { ...closed, examples: [{ name: 'Couriers', product: 'AXB', recording: false }] },
)

const PoolAnswer = Type.Object(
  {
    key: poolKeyShape,
    name: nameShape,
    product: productShape,
    tones: Type.Optional(tonesShape),
    recording: recordingShape,
    ringSeconds: ringSecondsShape,
    talkSeconds: talkSecondsShape,
    numbers: Type.Integer({ description: 'X numbers in it.', examples: [20] }),
    bound: Type.Integer({ description: 'X numbers with a binding.', examples: [3] }),
    createdAt: timeShape,
  },
  {
    examples: [
      {
        key: 'FC100000000000001',
        name: 'Couriers',
        product: 'AXB',
        recording: false,
        ringSeconds: 60,
        talkSeconds: 14_400,
        numbers: 20,
        bound: 3,
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

export const poolRoutes: FastifyPluginAsyncTypebox<{ pools: Pools }> = async (app, { pools }) => {
  app.post(
    '/pools',
    {
      schema: {
        operationId: 'createPool',
        summary: 'Add a pool of X numbers',
        description: 'What it says of its bindings holds for those that do not say otherwise.',
        tags: ['pools'],
        body: PoolRequest,
        response: { 201: PoolAnswer, ...problems(400, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { name, product, tones, recording, ringSeconds, talkSeconds } = request.body
      const pool = await pools.create({
        accountId,
        name,
        product,
        tones,
        recording,
        ringSecondsMax: ringSeconds,
        talkSecondsMax: talkSeconds,
      })
      reply.header('location', `/v1/pools/${pool.key}`)
      return reply.code(201).send(answerOf(pool))
    },
  )

  app.get(
    '/pools',
    {
      schema: {
        operationId: 'listPools',
        summary: 'Pools, in the order of their keys',
        tags: ['pools'],
        querystring: Type.Object(pageQuery, closed),
        response: { 200: pageOf(PoolAnswer), ...problems(400, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return pageAnswer(await pools.list({ accountId, ...request.query }), answerOf)
    },
  )

  app.get(
    '/pools/:key',
    {
      schema: {
        operationId: 'getPool',
        summary: 'One pool by its key',
        tags: ['pools'],
        params: Type.Object({ key: poolKeyShape }),
        response: { 200: PoolAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await pools.get(accountId, request.params.key as PoolKey))
    },
  )
}

function answerOf(pool: Pool): Static<typeof PoolAnswer> {
  return compact({
    key: pool.key as string,
    name: pool.name,
    product: pool.product,
    tones: pool.tones,
    recording: pool.recording,
    ringSeconds: pool.ringSecondsMax,
    talkSeconds: pool.talkSecondsMax,
    numbers: pool.numbers,
    bound: pool.bound,
    createdAt: timeText(pool.createdAt),
  })
}
