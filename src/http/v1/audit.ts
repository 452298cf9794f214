import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Audit, AuditEntry } from '../../accounts/audit.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import { accountIn, forAccount } from './grants.ts'
import { sendList } from './send-list.ts'
import { closed, compact, pageOf, pageQuery, timeShape, timeText } from './shapes.ts'

const actorShape = Type.String({
  pattern: '^[\\w-]{1,64}$',
  description: 'Id of the token or access key; `admin`: the token of the environment.',
  examples: ['tok-kzqwhbvxmtraplce'],
})
const actionShape = Type.String({
  pattern: '^[a-z][A-Za-z0-9]{0,63}$',
  description: '`operationId` of what was asked for.',
  examples: ['createBinding'],
})

const AuditAnswer = Type.Object(
  {
    id: Type.String({ examples: ['4711'] }),
    at: timeShape,
    actor: actorShape,
    action: actionShape,
    subjects: Type.Array(Type.String(), {
      description:
        'Ids of what was changed or shown: bindings, X numbers, tokens, pools; a change of a binding does not name its pool.',
    }),
    status: Type.Optional(
      Type.Integer({
        description: 'HTTP status of the answer; absent: not yet, or the server died on the way.',
        examples: [201],
      }),
    ),
    requestId: Type.String({ description: 'As in `X-Request-Id` and in the log.' }),
    address: Type.String({ description: 'Where it came from.', examples: ['203.0.113.10'] }),
  },
  {
    examples: [
      {
        id: '4711',
        at: '2030-01-30T02:00:00.250Z',
        actor: 'tok-kzqwhbvxmtraplce',
        action: 'createBinding',
        subjects: ['1000000000000001', '+8617000000001'],
        status: 201,
        requestId: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
        address: '203.0.113.10',
      },
    ],
  },
)

const AuditQuery = Type.Object(
  {
    actor: Type.Optional(actorShape),
    action: Type.Optional(actionShape),
    subject: Type.Optional(
      Type.String({
        pattern: '^\\+?[\\w-]{1,64}$',
        description: 'Key of a pool, X in E.164 with plus (%2B), id of a binding, and so on.',
        examples: ['FC100000000000001'],
      }),
    ),
    since: Type.Optional(timeShape),
    until: Type.Optional(timeShape),
    ...forAccount,
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

const csvColumns = [
  ...(['id', 'at', 'actor', 'action', 'subjects', 'status', 'requestId', 'address'] as const),
]

export const auditRoutes: FastifyPluginAsyncTypebox<{ audit: Pick<Audit, 'list'> }> = async (
  app,
  { audit },
) => {
  app.get(
    '/audit',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listAudit',
        summary: 'What was changed, and which real numbers were shown in full, newest first',
        description:
          'Attempts that were refused are there too, with their status. A change that was just made may take a moment to appear.',
        tags: ['audit'],
        querystring: AuditQuery,
        response: { 200: pageOrCsv(pageOf(AuditAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { actor, action, subject, since, until, accountId } = request.query
      const filter = {
        accountId: accountIn(request, accountId),
        ...{ actor, action, subject },
        since: since === undefined ? undefined : new Date(since),
        until: until === undefined ? undefined : new Date(until),
      }
      return sendList(request, reply, {
        name: 'audit',
        columns: csvColumns,
        list: (part) => audit.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )
}

function answerOf(entry: AuditEntry): Static<typeof AuditAnswer> {
  const { id, actor, action, status, requestId, address } = entry
  const subjects = [...entry.subjects]
  return compact({
    id,
    at: timeText(entry.at),
    actor,
    action,
    subjects,
    status,
    requestId,
    address,
  })
}
