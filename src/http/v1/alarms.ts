import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Alarm, AlarmFilter } from '../../alarms/alarm.ts'
import type { Alarms } from '../../alarms/alarms.ts'
import type { PoolKey } from '../../domain/ids.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
  pageOf,
  pageQuery,
  poolKeyShape,
  timeShape,
  timeText,
  virtualNumberShape,
} from './shapes.ts'

const kindShape = Type.Enum(
  [
    'pool-utilisation',
    'push-failing',
    'trunk-down',
    'media-host-down',
    'journal-filling',
    'certification-expiring',
  ],
  {
    description:
      'pool-utilisation: a pool is used to its threshold; push-failing: receipts of a type could not be pushed for ten minutes; trunk-down, media-host-down: a router does not reach it; journal-filling: a router will have to refuse calls; certification-expiring: somebody will not stand for X numbers any more. docs/operations.md has when each is raised and over.',
  },
)

const AlarmAnswer = Type.Object(
  {
    id: Type.String({ description: 'Id of the alarm.', examples: ['1000000001'] }),
    kind: kindShape,
    poolKey: Type.Optional({
      ...poolKeyShape,
      description: 'The pool of pool-utilisation, and of certifiers that were made for a pool.',
    }),
    percent: Type.Optional(
      Type.Number({
        description: 'Utilisation of the pool or the journal when it was raised.',
        examples: [80.5],
      }),
    ),
    threshold: Type.Optional(
      Type.Integer({
        description:
          'From how much on the pool warned; of certification-expiring: less than so many days are left, 30, 7, 1 or 0.',
        examples: [80],
      }),
    ),
    subject: Type.Optional(
      Type.String({
        description:
          'What all other kinds are about: the message type, trunk, media host, journal or certifier.',
        examples: ['carrier-1'],
      }),
    ),
    detail: Type.Optional(Type.String({ description: 'One sentence, as of when it was raised.' })),
    routers: Type.Optional(
      Type.Integer({ description: 'Routers that saw it when it was raised.', examples: [1] }),
    ),
    routersInAll: Type.Optional(Type.Integer({ description: 'Of so many.', examples: [2] })),
    numbers: Type.Optional(
      Type.Array(virtualNumberShape, {
        description: 'Some of the X of certification-expiring, 20 at most.',
      }),
    ),
    numberCount: Type.Optional(Type.Integer({ description: 'How many X.', examples: [3] })),
    certifiedUntil: Type.Optional({ ...timeShape, description: 'Until then somebody stands.' }),
    raisedAt: timeShape,
    clearedAt: Type.Optional({ ...timeShape, description: 'Absent: it is still so.' }),
    clearedBecause: Type.Optional(
      Type.Enum(['over', 'unwatched'], {
        description: 'unwatched: nobody is there any more who could tell.',
      }),
    ),
  },
  {
    examples: [
      {
        id: '1000000001',
        kind: 'trunk-down',
        subject: 'carrier-1',
        detail: '203.0.113.10:5060 does not answer OPTIONS.',
        routers: 1,
        routersInAll: 2,
        raisedAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const csvColumns = [
  ...(['id', 'kind', 'poolKey', 'percent', 'threshold', 'subject', 'raisedAt'] as const),
  ...(['clearedAt', 'clearedBecause', 'detail', 'numberCount', 'certifiedUntil'] as const),
]

const AlarmQuery = Type.Object(
  {
    kind: Type.Optional(kindShape),
    poolKey: Type.Optional(poolKeyShape),
    open: Type.Optional(
      Type.Boolean({ description: 'Only those that are not over, or only those that are.' }),
    ),
    since: Type.Optional({
      ...timeShape,
      description: 'Only those that were raised, or were over, at this time or later.',
    }),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

export const alarmRoutes: FastifyPluginAsyncTypebox<{ alarms: Alarms }> = async (
  app,
  { alarms },
) => {
  app.get(
    '/alarms',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listAlarms',
        summary: 'Alarms, newest first',
        description:
          'Each is raised once, and is over by itself. Those about trunks, media hosts and journals are the operator’s. To be told at once, have AlarmReport pushed or put into a queue: `PUT /v1/receipts/pushes/AlarmReport`.',
        tags: ['alarms'],
        querystring: AlarmQuery,
        response: { 200: pageOrCsv(pageOf(AlarmAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { kind, poolKey, open, since } = request.query
      const filter: AlarmFilter = {
        accountId: principalOf(request).accountId,
        ...{ kind, open, poolKey: poolKey as PoolKey | undefined },
        since: since === undefined ? undefined : new Date(since),
      }
      return sendList(request, reply, {
        name: 'alarms',
        columns: csvColumns,
        list: (part) => alarms.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )
}

function answerOf(alarm: Alarm): Static<typeof AlarmAnswer> {
  const { facts, clearedAt } = alarm
  return compact({
    id: alarm.id,
    kind: alarm.kind,
    poolKey: alarm.poolKey as string | undefined,
    subject: alarm.subject,
    percent: alarm.percent,
    threshold: alarm.threshold,
    ...{ detail: facts.detail, routers: facts.routers, routersInAll: facts.routersInAll },
    numbers: facts.numbers === undefined ? undefined : [...facts.numbers],
    ...{ numberCount: facts.numberCount, certifiedUntil: facts.certifiedUntil },
    raisedAt: timeText(alarm.raisedAt),
    clearedAt: clearedAt === undefined ? undefined : timeText(clearedAt),
    clearedBecause:
      clearedAt === undefined
        ? undefined
        : alarm.unwatched
          ? ('unwatched' as const)
          : ('over' as const),
  })
}
