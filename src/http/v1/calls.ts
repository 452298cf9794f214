import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { CallRecords } from '../../cdr/call-records.ts'
import type { CallFacts } from '../../domain/call-event.ts'
import { DomainError } from '../../domain/errors.ts'
import type { AccountId, BindingId, CallId, PoolKey } from '../../domain/ids.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { type Principal, principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import { sendList } from './send-list.ts'
import {
  bindingIdShape,
  closed,
  compact,
  maskedNumberShape,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  timeShape,
  timeText,
  virtualIn,
  virtualNumberShape,
} from './shapes.ts'

const callIdShape = Type.String({
  format: 'uuid',
  description: "Id of a call, the vendor API's `call_id`.",
  examples: ['0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'],
})

const CallAnswer = Type.Object(
  {
    id: callIdShape,
    live: Type.Boolean({ description: 'Whether it is up now.' }),
    x: virtualNumberShape,
    extension: Type.Optional(
      Type.String({ description: 'Digits that were dialled after X.', examples: ['12'] }),
    ),
    poolKey: Type.Optional(poolKeyShape),
    product: Type.Optional(productShape),
    bindingId: Type.Optional(bindingIdShape),
    city: Type.Optional(Type.String()),
    caller: Type.Optional(maskedNumberShape),
    callee: Type.Optional(
      Type.String({
        description: 'Masked. Of an intercepted call: who stands on the other side of its binding.',
        examples: ['139****0002'],
      }),
    ),
    callerRole: Type.Optional(
      Type.Enum(['A', 'B', 'N', 'G'], {
        description: 'N: anybody who may call; G: somebody of the group.',
      }),
    ),
    intercepted: Type.Boolean({ description: 'Refused by us before anybody was rung.' }),
    unconnectedCause: Type.Integer({
      description:
        '0 none, 1 blacklist, 2 no binding, 3 call restriction, 4 other; as in the reports.',
    }),
    controlMsg: Type.String({ examples: ['OK', 'NO_SUBS_EXIST'] }),
    outId: Type.Optional(Type.String()),
    trunkIn: Type.String(),
    trunkOut: Type.Optional(Type.String()),
    callTime: timeShape,
    callOutTime: Type.Optional(timeShape),
    ringTime: Type.Optional(timeShape),
    startTime: Type.Optional(timeShape),
    releaseTime: Type.Optional(timeShape),
    talkSeconds: Type.Integer({ description: 'From answer to release, so far or in all.' }),
    releaseDirection: Type.Optional(Type.Enum(['platform', 'caller', 'callee'])),
    releaseCause: Type.Optional(Type.Integer({ description: 'Q.850.', examples: [16] })),
    releaseReason: Type.Optional(Type.String({ examples: ['normal', 'callee-busy'] })),
    recorded: Type.Boolean(),
  },
  {
    examples: [
      {
        id: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
        live: false,
        x: '+8617000000001',
        poolKey: 'FC100000000000001',
        product: 'AXB',
        bindingId: '1000000000000001',
        caller: '138****0001',
        callee: '139****0002',
        callerRole: 'A',
        intercepted: false,
        unconnectedCause: 0,
        controlMsg: 'OK',
        trunkIn: 'carrier-1',
        trunkOut: 'carrier-1',
        callTime: '2030-01-31T08:00:00.120Z',
        callOutTime: '2030-01-31T08:00:00.145Z',
        ringTime: '2030-01-31T08:00:01.310Z',
        startTime: '2030-01-31T08:00:06.002Z',
        releaseTime: '2030-01-31T08:01:10.502Z',
        talkSeconds: 64,
        releaseDirection: 'caller',
        releaseCause: 16,
        releaseReason: 'normal',
        recorded: true,
      },
    ],
  },
)

const CallQuery = Type.Object(
  {
    x: Type.Optional(virtualNumberShape),
    bindingId: Type.Optional(bindingIdShape),
    poolKey: Type.Optional(poolKeyShape),
    since: Type.Optional(timeShape),
    until: Type.Optional(timeShape),
    live: Type.Optional(
      Type.Boolean({ description: '`true`: those that are up now, on whatever router.' }),
    ),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)
type CallQuery = Static<typeof CallQuery>

const csvColumns = [
  ...(['id', 'callTime', 'x', 'poolKey', 'product', 'bindingId', 'outId', 'caller'] as const),
  ...(['callee', 'callerRole', 'intercepted', 'unconnectedCause', 'controlMsg'] as const),
  ...(['callOutTime', 'ringTime', 'startTime', 'releaseTime', 'talkSeconds'] as const),
  ...(['releaseDirection', 'releaseCause', 'releaseReason', 'recorded'] as const),
]

type CallDeps = {
  callRecords: CallRecords
  parser: NumberParser
}

export const callRoutes: FastifyPluginAsyncTypebox<CallDeps> = async (app, deps) => {
  const { callRecords } = deps

  app.get(
    '/calls',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listCalls',
        summary: 'Call records, newest first; or the calls that are up now',
        tags: ['calls'],
        querystring: CallQuery,
        response: { 200: pageOrCsv(pageOf(CallAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const filter = filterOf(request.query, ownerIn(principalOf(request)), deps.parser)
      return sendList(request, reply, {
        name: 'calls',
        columns: csvColumns,
        list: (part) => callRecords.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.get(
    '/calls/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getCall',
        summary: 'One call: its record, or what is known of it while it is up',
        tags: ['calls'],
        params: Type.Object({ id: callIdShape }),
        response: { 200: CallAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const owner = ownerIn(principalOf(request))
      const record = await callRecords.get(owner, request.params.id as CallId)
      if (record === undefined) {
        throw new DomainError('call-unknown', 404, 'There is no call with this id.')
      }
      return answerOf(record)
    },
  )
}

/** Whose calls are shown; undefined: everybody's, and those to numbers that are nobody's. */
function ownerIn({ accountId, operator }: Principal): AccountId | undefined {
  return operator ? undefined : accountId
}

function filterOf(query: CallQuery, accountId: AccountId | undefined, parser: NumberParser) {
  const { x, bindingId, poolKey, since, until, live } = query
  return {
    accountId,
    x: x === undefined ? undefined : virtualIn('querystring/x', x, parser),
    bindingId: bindingId as BindingId | undefined,
    poolKey: poolKey as PoolKey | undefined,
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
    // A call that is over is asked for by its times.
    liveOnly: live === true,
  }
}

const directions = ['platform', 'caller', 'callee'] as const

function answerOf(call: CallFacts): Static<typeof CallAnswer> {
  const time = (at: Date | undefined) => (at === undefined ? undefined : timeText(at))
  return compact({
    id: call.callId as string,
    live: call.releaseTime === undefined,
    x: call.x as string,
    extension: call.extension,
    poolKey: call.poolKey as string | undefined,
    product: call.product,
    bindingId: call.bindingId as string | undefined,
    city: call.city,
    caller: call.caller?.toString(),
    callee: call.callee?.toString(),
    callerRole: call.callerRole,
    intercepted: call.intercepted,
    unconnectedCause: call.unconnectedCause as number,
    controlMsg: call.controlMsg,
    outId: call.outId,
    trunkIn: call.trunkIn as string,
    trunkOut: call.trunkOut as string | undefined,
    callTime: timeText(call.callTime),
    callOutTime: time(call.callOutTime),
    ringTime: time(call.ringTime),
    startTime: time(call.startTime),
    releaseTime: time(call.releaseTime),
    talkSeconds: talkSecondsOf(call),
    releaseDirection:
      call.releaseDirection === undefined ? undefined : directions[call.releaseDirection],
    releaseCause: call.releaseCause,
    releaseReason: call.releaseReason as string | undefined,
    recorded: call.recording !== undefined,
  })
}

function talkSecondsOf({ startTime, releaseTime }: CallFacts): number {
  if (startTime === undefined) return 0
  const until = releaseTime ?? new Date()
  return Math.max(0, Math.floor((until.getTime() - startTime.getTime()) / 1000))
}
