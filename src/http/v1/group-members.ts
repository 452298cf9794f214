import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { EditedGroup } from '../../numbers/group.ts'
import type { Groups } from '../../numbers/groups.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { guessable } from '../guessable.ts'
import { problems } from '../problem.ts'
import {
  AllNumbers,
  EditAnswer,
  GroupParams,
  groupAnswer,
  MemberAnswer,
  memberAnswer,
  memberColumns,
  NumberSearch,
  refOf,
  SomeNumbers,
} from './group-shapes.ts'
import { sendList } from './send-list.ts'
import { closed, pageAnswer, pageOf, pageQuery, realIn, realsIn } from './shapes.ts'

const MemberQuery = Type.Object({ ...pageQuery, ...csvQuery }, closed)

type App = Parameters<FastifyPluginAsyncTypebox>[0]
type GroupDeps = { groups: Groups; parser: NumberParser }

export const groupMemberRoutes: FastifyPluginAsyncTypebox<GroupDeps> = async (app, deps) => {
  addEdits(app, deps)
  addLists(app, deps)
}

function addEdits(app: App, { groups, parser }: GroupDeps): void {
  const response = { 200: EditAnswer, ...problems(400, 404, 409, 413, 415, 422) }
  const atOnce =
    'The next call of any of them, to the X of any live binding that names the group, goes by it; a call that is up goes on.'

  app.post(
    '/pools/:key/groups/:id/members',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'addGroupMembers',
        summary: 'Add numbers to a G group, at most 200 at a time',
        description: `Those that are in it already stay. ${atOnce}`,
        tags: ['groups'],
        params: GroupParams,
        body: SomeNumbers,
        response,
      },
    },
    async (request) => {
      const numbers = realsIn('body/numbers', request.body.numbers, parser)
      const ref = refOf(principalOf(request).accountId, request.params)
      return editAnswer(await groups.edit(ref, 'add', numbers))
    },
  )

  app.post(
    '/pools/:key/groups/:id/members/remove',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'removeGroupMembers',
        summary: 'Remove numbers from a G group, at most 200 at a time',
        description: `Those that are not in it are no fault. ${atOnce}`,
        tags: ['groups'],
        params: GroupParams,
        body: SomeNumbers,
        response,
      },
    },
    async (request) => {
      const numbers = realsIn('body/numbers', request.body.numbers, parser)
      const ref = refOf(principalOf(request).accountId, request.params)
      return editAnswer(await groups.edit(ref, 'delete', numbers))
    },
  )

  app.put(
    '/pools/:key/groups/:id/members',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'overwriteGroupMembers',
        summary: 'Make these the only numbers of a G group',
        description: `Only while it has 200 numbers or fewer. ${atOnce}`,
        tags: ['groups'],
        params: GroupParams,
        body: AllNumbers,
        response,
      },
    },
    async (request) => {
      const numbers = realsIn('body/numbers', request.body.numbers, parser)
      const ref = refOf(principalOf(request).accountId, request.params)
      return editAnswer(await groups.edit(ref, 'overwrite', numbers))
    },
  )
}

function addLists(app: App, { groups, parser }: GroupDeps): void {
  app.get(
    '/pools/:key/groups/:id/members',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listGroupMembers',
        summary: 'Numbers of a G group, masked, newest first',
        tags: ['groups'],
        params: GroupParams,
        querystring: MemberQuery,
        response: {
          200: pageOrCsv(pageOf(MemberAnswer), memberColumns),
          ...problems(400, 404, 409, 422),
        },
      },
    },
    async (request, reply) => {
      const ref = refOf(principalOf(request).accountId, request.params)
      return sendList(request, reply, {
        name: 'group-members',
        columns: memberColumns,
        list: (part) => groups.members({ ...ref, ...part }),
        answer: memberAnswer,
      })
    },
  )

  app.post(
    '/pools/:key/groups/:id/members/search',
    {
      config: { scope: 'read', ...guessable },
      schema: {
        operationId: 'searchGroupMembers',
        summary: 'Whether a number is in a G group',
        description: 'A POST, so that the number stands in no URL and no log of URLs.',
        tags: ['groups'],
        params: GroupParams,
        body: NumberSearch,
        response: { 200: pageOf(MemberAnswer), ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.body
      const number = realIn('body/number', request.body.number, parser)
      const ref = refOf(principalOf(request).accountId, request.params)
      return pageAnswer(await groups.members({ ...ref, number, limit, cursor }), memberAnswer)
    },
  )
}

function editAnswer({ group, added, removed }: EditedGroup): Static<typeof EditAnswer> {
  return { ...groupAnswer(group), added, removed }
}
