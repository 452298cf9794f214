import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import type { Alarm } from '../../numbers/alarm.ts'
import type { PoolAlarms } from '../../numbers/pool-alarms.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, type Part, pageOrCsv, sendCsv, wantsCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import {
  closed,
  compact,
  pageAnswer,
  pageOf,
  pageQuery,
  poolKeyShape,
  timeShape,
  timeText,
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
      'pool-utilisation: a pool is used to its threshold; push-failing: receipts of a type could not be pushed for ten minutes.',
  },
)

const AlarmAnswer = Type.Object(
  {
    id: Type.String({ description: 'Id of the alarm.', examples: ['1000000001'] }),
    kind: kindShape,
    poolKey: Type.Optional({ ...poolKeyShape, description: 'The pool of pool-utilisation.' }),
    percent: Type.Optional(
      Type.Number({ description: 'Utilisation when it was raised.', examples: [80.5] }),
    ),
    threshold: Type.Optional(
      Type.Integer({ description: 'From how much on the pool warned.', examples: [80] }),
    ),
    subject: Type.Optional(
      Type.String({
        description: 'What all other kinds are about: the message type, the trunk, the host.',
        examples: ['SecretReport'],
      }),
    ),
    raisedAt: timeShape,
    clearedAt: Type.Optional({ ...timeShape, description: 'Absent: it is still so.' }),
  },
  {
    examples: [
      {
        id: '1000000001',
        kind: 'pool-utilisation',
        poolKey: 'FC100000000000001',
        percent: 80.5,
        threshold: 80,
        raisedAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const csvColumns = [
  ...(['id', 'kind', 'poolKey', 'percent', 'threshold', 'subject', 'raisedAt'] as const),
  'clearedAt' as const,
]

const AlarmQuery = Type.Object(
  {
    kind: Type.Optional(kindShape),
    poolKey: Type.Optional(poolKeyShape),
    open: Type.Optional(
      Type.Boolean({ description: 'Only those that are not over, or only those that are.' }),
    ),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

export const alarmRoutes: FastifyPluginAsyncTypebox<{ alarms: PoolAlarms }> = async (
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
          'One is raised when a pool is used to its `alarmPercent`, and is over when the utilisation has fallen to nine tenths of that; another when a push URL is paused, until it answers again.',
        tags: ['pools'],
        querystring: AlarmQuery,
        response: { 200: pageOrCsv(pageOf(AlarmAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { kind, poolKey, open, limit, cursor } = request.query
      const { accountId } = principalOf(request)
      const filter = { accountId, kind, poolKey: poolKey as PoolKey | undefined, open }
      const list = (part: Part) => alarms.list({ ...filter, ...part })
      if (wantsCsv(request)) {
        const csv = { name: 'alarms', columns: csvColumns, list, answer: answerOf }
        return sendCsv(request, reply, csv)
      }
      return pageAnswer(await list({ limit, cursor }), answerOf)
    },
  )
}

function answerOf(alarm: Alarm): Static<typeof AlarmAnswer> {
  return compact({
    id: alarm.id,
    kind: alarm.kind,
    poolKey: alarm.poolKey as string | undefined,
    subject: alarm.subject,
    percent: alarm.percent,
    threshold: alarm.threshold,
    raisedAt: timeText(alarm.raisedAt),
    clearedAt: alarm.clearedAt === undefined ? undefined : timeText(alarm.clearedAt),
  })
}
