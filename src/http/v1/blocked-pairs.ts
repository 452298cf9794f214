import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import type { Blacklist } from '../../numbers/blacklist.ts'
import type { BlockedPair } from '../../numbers/blacklist-entry.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { pageOrCsv } from '../csv.ts'
import { guessable } from '../guessable.ts'
import { problems } from '../problem.ts'
import {
  BlacklistParams,
  BlacklistQuery,
  EntryParams,
  entryIdShape,
  remarkShape,
} from './blocked-callers.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
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

const wayShape = Type.Enum(['DUPLEX_REJECT', 'PHONEA_REJECT', 'PHONEB_REJECT'], {
  description:
    'DUPLEX_REJECT: neither may call the other. PHONEA_REJECT: the second may not call the first. PHONEB_REJECT: the first may not call the second.',
})

const PairRequest = Type.Object(
  {
    first: realNumberShape,
    second: realNumberShape,
    way: Type.Optional({ ...wayShape, default: 'DUPLEX_REJECT' }),
    remark: Type.Optional(remarkShape),
  },
  {
    ...closed,
    examples: [{ first: '13800000001', second: '13900000002', way: 'PHONEB_REJECT' }],
  },
)

const PairRemoval = Type.Object(
  { first: realNumberShape, second: realNumberShape },
  { ...closed, examples: [{ first: '13800000001', second: '13900000002' }] },
)

const PairSearch = Type.Object(
  { number: realNumberShape, ...pageQuery },
  { ...closed, examples: [{ number: '13800000001' }] },
)

const PairAnswer = Type.Object(
  {
    id: entryIdShape,
    poolKey: poolKeyShape,
    first: maskedNumberShape,
    second: maskedNumberShape,
    way: wayShape,
    remark: Type.Optional(remarkShape),
    createdAt: timeShape,
  },
  {
    examples: [
      {
        id: '18',
        poolKey: 'FC100000000000001',
        first: '138****0001',
        second: '139****0002',
        way: 'PHONEB_REJECT',
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const csvColumns = ['id', 'poolKey', 'first', 'second', 'way', 'remark', 'createdAt'] as const

type App = Parameters<FastifyPluginAsyncTypebox>[0]
type BlacklistDeps = { blacklist: Blacklist; parser: NumberParser }

export const blockedPairRoutes: FastifyPluginAsyncTypebox<BlacklistDeps> = async (app, deps) => {
  addAdding(app, deps)
  addRemoving(app, deps)
  addListing(app, deps)
}

function addAdding(app: App, { blacklist, parser }: BlacklistDeps): void {
  app.post(
    '/pools/:key/blocked-pairs',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'blockPair',
        summary: 'Bar two numbers from each other in a pool',
        description:
          "From the next call on; a call that is up goes on. The vendor's POINT_TO_POINT_BLACK, on AXB, AXN, AXN_EXTENSION and 95AXN pools. The same two in the same order are one entry: 200 says that it was there, its way is as given now. The other way round is another entry, and what any of them bars is barred.",
        tags: ['blacklist'],
        params: BlacklistParams,
        body: PairRequest,
        response: { 200: PairAnswer, 201: PairAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { first, second, way = 'DUPLEX_REJECT', remark } = request.body
      const { entry, added } = await blacklist.blockPair({
        accountId,
        poolKey: request.params.key as PoolKey,
        first: realIn('body/first', first, parser),
        second: realIn('body/second', second, parser),
        way,
        remark,
      })
      return reply.code(added ? 201 : 200).send(answerOf(entry))
    },
  )
}

function addRemoving(app: App, { blacklist, parser }: BlacklistDeps): void {
  app.delete(
    '/pools/:key/blocked-pairs/:id',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'unblockPair',
        summary: 'Take two numbers off the blacklist of a pool, by the id of their entry',
        tags: ['blacklist'],
        params: EntryParams,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { key, id } = request.params
      await blacklist.unblockPair({ accountId, poolKey: key as PoolKey, id })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/pools/:key/blocked-pairs/remove',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'unblockPairByNumbers',
        summary: 'Take two numbers, in the order of their entry, off the blacklist of a pool',
        description: 'Also when they are not on it. A POST, so that numbers stand in no URL.',
        tags: ['blacklist'],
        params: BlacklistParams,
        body: PairRemoval,
        response: {
          204: Type.Null({ description: 'They are not on it.' }),
          ...problems(400, 404, 409, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      await blacklist.unblockPair({
        accountId,
        poolKey: request.params.key as PoolKey,
        first: realIn('body/first', request.body.first, parser),
        second: realIn('body/second', request.body.second, parser),
      })
      return reply.code(204).send(null)
    },
  )
}

function addListing(app: App, { blacklist, parser }: BlacklistDeps): void {
  app.get(
    '/pools/:key/blocked-pairs',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listBlockedPairs',
        summary: 'Pairs on the blacklist of a pool, newest first',
        tags: ['blacklist'],
        params: BlacklistParams,
        querystring: BlacklistQuery,
        response: {
          200: pageOrCsv(pageOf(PairAnswer), csvColumns),
          ...problems(400, 404, 409, 422),
        },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const filter = { accountId, poolKey: request.params.key as PoolKey }
      return sendList(request, reply, {
        name: 'blocked-pairs',
        columns: csvColumns,
        list: (part) => blacklist.pairs({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.post(
    '/pools/:key/blocked-pairs/search',
    {
      config: { scope: 'read', ...guessable },
      schema: {
        operationId: 'searchBlockedPairs',
        summary: 'Pairs on the blacklist of a pool that a number stands in, on either side',
        description: 'A POST, so that the number stands in no URL and no log of URLs.',
        tags: ['blacklist'],
        params: BlacklistParams,
        body: PairSearch,
        response: { 200: pageOf(PairAnswer), ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const { limit, cursor } = request.body
      const number = realIn('body/number', request.body.number, parser)
      const filter = { accountId, poolKey: request.params.key as PoolKey, number }
      return pageAnswer(await blacklist.pairs({ ...filter, limit, cursor }), answerOf)
    },
  )
}

function answerOf(entry: BlockedPair): Static<typeof PairAnswer> {
  return compact({
    id: entry.id,
    poolKey: entry.poolKey as string,
    first: entry.first.toString(),
    second: entry.second.toString(),
    way: entry.way,
    remark: entry.remark,
    createdAt: timeText(entry.createdAt),
  })
}
