import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { BindCommand, Binding } from '../../bindings/binding.ts'
import type { Bindings } from '../../bindings/bindings.ts'
import { DomainError } from '../../domain/errors.ts'
import { type BindingId, type PoolKey, parseBindingId } from '../../domain/ids.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { type Principal, principalOf } from '../auth.ts'
import { csvQuery, type Part, pageOrCsv, sendCsv, wantsCsv } from '../csv.ts'
import { type Fault, problems, RequestRefused } from '../problem.ts'
import {
  bindingIdShape,
  closed,
  compact,
  lineOfText,
  maskedNumberShape,
  pageAnswer,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  realNumberShape,
  ringSecondsShape,
  talkSecondsShape,
  timeShape,
  timeText,
  tonesShape,
  virtualIn,
  virtualNumberShape,
} from './shapes.ts'

const callRestrictShape = Type.Enum(['CONTROL_AX_DISABLE', 'CONTROL_BX_DISABLE'], {
  description: 'Side that may not call X: A, or B.',
})

const outIdShape = lineOfText(128, {
  description: 'Your own id of the binding; comes back in every report.',
  examples: ['order-20300131-7'],
})

const BindRequest = Type.Object(
  {
    poolKey: poolKeyShape,
    phoneA: realNumberShape,
    phoneB: realNumberShape,
    x: Type.Optional(virtualNumberShape),
    expiresAt: timeShape,
    recording: Type.Optional(Type.Boolean({ description: 'Record every call.' })),
    tones: Type.Optional(tonesShape),
    ringSeconds: Type.Optional(ringSecondsShape),
    talkSeconds: Type.Optional(talkSecondsShape),
    callRestrict: Type.Optional(callRestrictShape),
    outId: Type.Optional(outIdShape),
  },
  {
    ...closed,
    examples: [
      {
        poolKey: 'FC100000000000001',
        phoneA: '13800000001',
        phoneB: '13900000002',
        expiresAt: '2030-01-31T23:59:59+08:00',
        recording: true,
        outId: 'order-20300131-7',
      },
    ],
  },
)
type BindRequest = Static<typeof BindRequest>

const BindingAnswer = Type.Object(
  {
    id: bindingIdShape,
    poolKey: poolKeyShape,
    product: productShape,
    x: virtualNumberShape,
    phoneA: maskedNumberShape,
    phoneB: Type.Optional(maskedNumberShape),
    status: Type.Enum(['live', 'expired', 'unbound']),
    expiresAt: timeShape,
    createdAt: timeShape,
    endedAt: Type.Optional(timeShape),
    recording: Type.Optional(Type.Boolean({ description: 'Absent here and below: as the pool.' })),
    tones: Type.Optional(tonesShape),
    ringSeconds: Type.Optional(ringSecondsShape),
    talkSeconds: Type.Optional(talkSecondsShape),
    callRestrict: Type.Optional(callRestrictShape),
    outId: Type.Optional(outIdShape),
  },
  {
    examples: [
      {
        id: '1000000000000001',
        poolKey: 'FC100000000000001',
        product: 'AXB',
        x: '+8617000000001',
        phoneA: '138****0001',
        phoneB: '139****0002',
        status: 'live',
        expiresAt: '2030-01-31T15:59:59Z',
        createdAt: '2030-01-30T02:00:00Z',
        recording: true,
        outId: 'order-20300131-7',
      },
    ],
  },
)

const csvColumns = [
  ...(['id', 'poolKey', 'product', 'x', 'phoneA', 'phoneB', 'status', 'expiresAt'] as const),
  ...(['createdAt', 'endedAt', 'recording', 'callRestrict', 'outId'] as const),
]

const BindingParams = Type.Object({ id: bindingIdShape })

const BindingQuery = Type.Object(
  {
    poolKey: Type.Optional(poolKeyShape),
    x: Type.Optional(virtualNumberShape),
    outId: Type.Optional(outIdShape),
    live: Type.Optional(Type.Boolean({ description: '`true`: only those that are live.' })),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

const BindHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]*$',
      description:
        'The same key with the same body gives the same binding for 24 hours, however often it is sent.',
      examples: ['8f14e45f-ceea-467f-a8f2-6c1d1c1f2b0a'],
    }),
  ),
})

type BindingDeps = { bindings: Bindings; parser: NumberParser }

export const bindingRoutes: FastifyPluginAsyncTypebox<BindingDeps> = async (
  app,
  { bindings, parser },
) => {
  app.post(
    '/bindings',
    {
      config: { scope: 'bind' },
      schema: {
        operationId: 'createBinding',
        summary: 'Bind A and B to an X number',
        description:
          'The next call that arrives after the answer sees the binding. Without `x` a free one of the pool is taken.',
        tags: ['bindings'],
        headers: BindHeaders,
        body: BindRequest,
        response: { 201: BindingAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const command = commandOf(request.body, principalOf(request), parser)
      const idempotencyKey = request.headers['idempotency-key']
      const bound = await bindings.bind({ ...command, idempotencyKey })
      reply.header('location', `/v1/bindings/${bound.id}`)
      return reply.code(201).send(answerOf(bound))
    },
  )

  app.get(
    '/bindings',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listBindings',
        summary: 'Bindings, newest first',
        tags: ['bindings'],
        querystring: BindingQuery,
        response: { 200: pageOrCsv(pageOf(BindingAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { poolKey, x, outId, live, limit, cursor } = request.query
      const filter = {
        accountId: principalOf(request).accountId,
        poolKey: poolKey as PoolKey | undefined,
        x: x === undefined ? undefined : virtualIn('querystring/x', x, parser),
        outId,
        liveOnly: live,
      }
      const list = (part: Part) => bindings.list({ ...filter, ...part })
      if (wantsCsv(request)) {
        const csv = { name: 'bindings', columns: csvColumns, list, answer: answerOf }
        return sendCsv(request, reply, csv)
      }
      return pageAnswer(await list({ limit, cursor }), answerOf)
    },
  )

  addSingleRoutes(app, bindings)
}

const addSingleRoutes = (
  app: Parameters<FastifyPluginAsyncTypebox>[0],
  bindings: Bindings,
): void => {
  app.get(
    '/bindings/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getBinding',
        summary: 'One binding, live or over',
        tags: ['bindings'],
        params: BindingParams,
        response: { 200: BindingAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await bindings.get(accountId, idIn(request.params.id)))
    },
  )

  app.delete(
    '/bindings/:id',
    {
      config: { scope: 'bind' },
      schema: {
        operationId: 'deleteBinding',
        summary: 'Unbind: end a binding now',
        description:
          'No call that arrives after the answer is connected by it; a call that is up goes on.',
        tags: ['bindings'],
        params: BindingParams,
        response: { 204: Type.Null({ description: 'It is over.' }), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      await bindings.unbind({ accountId, id: idIn(request.params.id) })
      return reply.code(204).send(null)
    },
  )
}

/** Every number that is none is named before the request is refused. What may be bound is the room's to say. */
function commandOf(body: BindRequest, { accountId }: Principal, parser: NumberParser): BindCommand {
  const a = parser.real(body.phoneA)
  const b = parser.real(body.phoneB)
  const x = body.x === undefined ? undefined : parser.virtual(body.x)
  const faults: Fault[] = []
  if (a === undefined) faults.push(numberFault('phoneA'))
  if (b === undefined) faults.push(numberFault('phoneB'))
  if (x === undefined && body.x !== undefined) faults.push(numberFault('x'))
  if (a === undefined || b === undefined || faults.length > 0) {
    throw new RequestRefused(faults, { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' })
  }
  return {
    accountId,
    poolKey: body.poolKey as PoolKey,
    a,
    b,
    x,
    expiresAt: new Date(body.expiresAt),
    recording: body.recording,
    tones: body.tones,
    ringSecondsMax: body.ringSeconds,
    talkSecondsMax: body.talkSeconds,
    restriction: restrictionOf(body.callRestrict),
    outId: body.outId,
  }
}

function restrictionOf(callRestrict: BindRequest['callRestrict']): 'AX' | 'BX' | undefined {
  if (callRestrict === undefined) return undefined
  return callRestrict === 'CONTROL_AX_DISABLE' ? 'AX' : 'BX'
}

const numberFault = (field: string): Fault => ({
  pointer: `body/${field}`,
  detail: 'is not a phone number; give mobile or fixed line with area code, or E.164 with plus',
})

/** The pattern lets ids through that are above 2^53: nothing is known by them. */
function idIn(text: string): BindingId {
  const id = parseBindingId(text)
  if (id !== undefined) return id
  throw new DomainError('binding-unknown', 404, 'There is no binding with this id.', {
    vendorCode: 'isv.SUBS_NOT_EXIST',
  })
}

function answerOf(binding: Binding): Static<typeof BindingAnswer> {
  return compact({
    id: binding.id as string,
    poolKey: binding.poolKey as string,
    product: binding.product,
    x: binding.x as string,
    phoneA: binding.a.toString(),
    phoneB: binding.b?.toString(),
    status: binding.state,
    expiresAt: timeText(binding.expiresAt),
    createdAt: timeText(binding.createdAt),
    endedAt: binding.endedAt === undefined ? undefined : timeText(binding.endedAt),
    recording: binding.recording,
    tones: binding.tones,
    ringSeconds: binding.ringSecondsMax,
    talkSeconds: binding.talkSecondsMax,
    callRestrict: callRestrictOf(binding.restriction),
    outId: binding.outId,
  })
}

function callRestrictOf(restriction: 'AX' | 'BX' | undefined): BindRequest['callRestrict'] {
  if (restriction === undefined) return undefined
  return restriction === 'AX' ? 'CONTROL_AX_DISABLE' : 'CONTROL_BX_DISABLE'
}
