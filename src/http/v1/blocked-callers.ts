import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import type { Blacklist } from '../../numbers/blacklist.ts'
import type { BlockedCaller } from '../../numbers/blacklist-entry.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { guessable } from '../guessable.ts'
import { problems } from '../problem.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
  lineOfText,
  maskedNumberShape,
  pageAnswer,
  pageOf,
  pageQuery,
  poolKeyShape,
  realIn,
  realNumberShape,
  timeShape,
  timeText,
} from './shapes.ts'

export const entryIdShape = Type.String({
  pattern: '^[1-9]\\d{0,17}$',
  description: 'Id of the entry.',
  examples: ['17'],
})

export const remarkShape = lineOfText(200, {
  description: 'Why it is there, for people.',
  examples: ['reported three times'],
})

const CallerRequest = Type.Object(
  { number: realNumberShape, remark: Type.Optional(remarkShape) },
  { ...closed, examples: [{ number: '13800000001', remark: 'reported three times' }] },
)

const CallerRemoval = Type.Object(
  { number: realNumberShape },
  { ...closed, examples: [{ number: '13800000001' }] },
)

const CallerSearch = Type.Object(
  { number: realNumberShape, ...pageQuery },
  { ...closed, examples: [{ number: '13800000001' }] },
)

const CallerAnswer = Type.Object(
  {
    id: entryIdShape,
    poolKey: poolKeyShape,
    number: maskedNumberShape,
    remark: Type.Optional(remarkShape),
    createdAt: timeShape,
  },
  {
    examples: [
      {
        id: '17',
        poolKey: 'FC100000000000001',
        number: '138****0001',
        remark: 'reported three times',
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const csvColumns = ['id', 'poolKey', 'number', 'remark', 'createdAt'] as const

export const BlacklistParams = Type.Object({ key: poolKeyShape })
export const EntryParams = Type.Object({ key: poolKeyShape, id: entryIdShape })
export const BlacklistQuery = Type.Object({ ...pageQuery, ...csvQuery }, closed)

type App = Parameters<FastifyPluginAsyncTypebox>[0]
type BlacklistDeps = { blacklist: Blacklist; parser: NumberParser }

export const blockedCallerRoutes: FastifyPluginAsyncTypebox<BlacklistDeps> = async (app, deps) => {
  addAdding(app, deps)
  addRemoving(app, deps)
  addListing(app, deps)
}

function addAdding(app: App, { blacklist, parser }: BlacklistDeps): void {
  app.post(
    '/pools/:key/blocked-callers',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'blockCaller',
        summary: 'Bar a number from calling any X of a pool',
        description:
          "From the next call on; a call that is up goes on. The vendor's PARTNER_GLOBAL_NUMBER_BLACK, on AXB, AXN, AXN_EXTENSION and 95AXN pools. What is there already stays, and 200 says so; a remark takes the old one's place. The first entry of a pool of 100 000 numbers takes some seconds.",
        tags: ['blacklist'],
        params: BlacklistParams,
        body: CallerRequest,
        response: {
          200: CallerAnswer,
          201: CallerAnswer,
          ...problems(400, 404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const poolKey = request.params.key as PoolKey
      const number = realIn('body/number', request.body.number, parser)
      const { remark } = request.body
      const { entry, added } = await blacklist.blockCaller({ accountId, poolKey, number, remark })
      return reply.code(added ? 201 : 200).send(answerOf(entry))
    },
  )
}

function addRemoving(app: App, { blacklist, parser }: BlacklistDeps): void {
  app.delete(
    '/pools/:key/blocked-callers/:id',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'unblockCaller',
        summary: 'Take a number off the blacklist of a pool, by the id of its entry',
        tags: ['blacklist'],
        params: EntryParams,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { key, id } = request.params
      await blacklist.unblockCaller({ accountId, poolKey: key as PoolKey, id })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/pools/:key/blocked-callers/remove',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'unblockCallerByNumber',
        summary: 'Take a number off the blacklist of a pool',
        description: 'Also when it is not on it. A POST, so that the number stands in no URL.',
        tags: ['blacklist'],
        params: BlacklistParams,
        body: CallerRemoval,
        response: {
          204: Type.Null({ description: 'It is not on it.' }),
          ...problems(400, 404, 409, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const poolKey = request.params.key as PoolKey
      const number = realIn('body/number', request.body.number, parser)
      await blacklist.unblockCaller({ accountId, poolKey, number })
      return reply.code(204).send(null)
    },
  )
}

function addListing(app: App, { blacklist, parser }: BlacklistDeps): void {
  app.get(
    '/pools/:key/blocked-callers',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listBlockedCallers',
        summary: 'Numbers on the blacklist of a pool, newest first',
        tags: ['blacklist'],
        params: BlacklistParams,
        querystring: BlacklistQuery,
        response: {
          200: pageOrCsv(pageOf(CallerAnswer), csvColumns),
          ...problems(400, 404, 409, 422),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const filter = { accountId, poolKey: request.params.key as PoolKey }
      return sendList(request, reply, {
        name: 'blocked-callers',
        columns: csvColumns,
        list: (part) => blacklist.callers({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.post(
    '/pools/:key/blocked-callers/search',
    {
      config: { scope: 'read', ...guessable },
      schema: {
        operationId: 'searchBlockedCallers',
        summary: 'Whether a number is on the blacklist of a pool',
        description: 'A POST, so that the number stands in no URL and no log of URLs.',
        tags: ['blacklist'],
        params: BlacklistParams,
        body: CallerSearch,
        response: { 200: pageOf(CallerAnswer), ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const { limit, cursor } = request.body
      const number = realIn('body/number', request.body.number, parser)
      const filter = { accountId, poolKey: request.params.key as PoolKey, number }
      return pageAnswer(await blacklist.callers({ ...filter, limit, cursor }), answerOf)
    },
  )
}

function answerOf(entry: BlockedCaller): Static<typeof CallerAnswer> {
  return compact({
    id: entry.id,
    poolKey: entry.poolKey as string,
    number: entry.number.toString(),
    remark: entry.remark,
    createdAt: timeText(entry.createdAt),
  })
}
