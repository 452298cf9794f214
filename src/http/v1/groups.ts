import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import type { Groups } from '../../numbers/groups.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { guessable } from '../guessable.ts'
import { problems } from '../problem.ts'
import { groupMemberRoutes } from './group-members.ts'
import {
  GroupAnswer,
  GroupChange,
  GroupParams,
  GroupRequest,
  groupAnswer,
  groupColumns,
  NumberSearch,
  PoolParams,
  refOf,
} from './group-shapes.ts'
import { idempotencyHeaders } from './number-shapes.ts'
import { sendList } from './send-list.ts'
import { closed, lineOfText, pageAnswer, pageOf, pageQuery, realIn, realsIn } from './shapes.ts'

const GroupQuery = Type.Object(
  {
    search: Type.Optional(
      lineOfText(32, { description: 'The id, or a part of the name.', examples: ['night'] }),
    ),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

type App = Parameters<FastifyPluginAsyncTypebox>[0]
type GroupDeps = { groups: Groups; parser: NumberParser }

export const groupRoutes: FastifyPluginAsyncTypebox<GroupDeps> = async (app, deps) => {
  addCreation(app, deps)
  addLists(app, deps)
  addSingleRoutes(app, deps)
  await app.register(groupMemberRoutes, deps)
}

function addCreation(app: App, { groups, parser }: GroupDeps): void {
  app.post(
    '/pools/:key/groups',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'createGroup',
        summary: 'Add a G group to an AXG pool',
        description:
          'Its members may call the X of every binding that names it. At most 2000 groups in a pool, 10 000 numbers in a group, 200 numbers at a time.',
        tags: ['groups'],
        params: PoolParams,
        headers: idempotencyHeaders,
        body: GroupRequest,
        response: { 201: GroupAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { name, remark, numbers } = request.body
      const group = await groups.create({
        accountId: principalOf(request).accountId,
        poolKey: request.params.key as PoolKey,
        ...{ name, remark },
        numbers: realsIn('body/numbers', numbers ?? [], parser),
        idempotencyKey: request.headers['idempotency-key'],
      })
      reply.header('location', `/v1/pools/${group.poolKey}/groups/${group.id}`)
      return reply.code(201).send(groupAnswer(group))
    },
  )
}

function addLists(app: App, { groups, parser }: GroupDeps): void {
  app.get(
    '/pools/:key/groups',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listGroups',
        summary: 'G groups of an AXG pool, newest first',
        tags: ['groups'],
        params: PoolParams,
        querystring: GroupQuery,
        response: {
          200: pageOrCsv(pageOf(GroupAnswer), groupColumns),
          ...problems(400, 404, 409, 422),
        },
      },
    },
    async (request, reply) => {
      const { search } = request.query
      const { accountId } = principalOf(request)
      const filter = { accountId, poolKey: request.params.key as PoolKey, search }
      return sendList(request, reply, {
        name: 'groups',
        columns: groupColumns,
        list: (part) => groups.list({ ...filter, ...part }),
        answer: groupAnswer,
      })
    },
  )

  app.post(
    '/pools/:key/groups/search',
    {
      config: { scope: 'read', ...guessable },
      schema: {
        operationId: 'searchGroups',
        summary: 'G groups of an AXG pool that a number is in, newest first',
        description: 'A POST, so that the number stands in no URL and no log of URLs.',
        tags: ['groups'],
        params: PoolParams,
        body: NumberSearch,
        response: { 200: pageOf(GroupAnswer), ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const { limit, cursor } = request.body
      const number = realIn('body/number', request.body.number, parser)
      const filter = { accountId, poolKey: request.params.key as PoolKey, number }
      return pageAnswer(await groups.list({ ...filter, limit, cursor }), groupAnswer)
    },
  )
}

function addSingleRoutes(app: App, { groups }: GroupDeps): void {
  app.get(
    '/pools/:key/groups/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getGroup',
        summary: 'One G group by its id',
        tags: ['groups'],
        params: GroupParams,
        response: { 200: GroupAnswer, ...problems(400, 404, 409) },
      },
    },
    async (request) =>
      groupAnswer(await groups.get(refOf(principalOf(request).accountId, request.params))),
  )

  app.patch(
    '/pools/:key/groups/:id',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'changeGroup',
        summary: 'Change the name or the remark of a G group',
        tags: ['groups'],
        params: GroupParams,
        body: GroupChange,
        response: { 200: GroupAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { name, remark } = request.body
      const ref = refOf(principalOf(request).accountId, request.params)
      const change = { name, remark: remark === null ? ('none' as const) : remark }
      return groupAnswer(await groups.change(ref, change))
    },
  )

  app.delete(
    '/pools/:key/groups/:id',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'deleteGroup',
        summary: 'Remove a G group with its numbers; only while no live binding uses it',
        tags: ['groups'],
        params: GroupParams,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      await groups.remove(refOf(principalOf(request).accountId, request.params))
      return reply.code(204).send(null)
    },
  )
}
