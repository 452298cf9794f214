import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { BoundRoute, CallPlan } from '../../domain/call.ts'
import { causeOf } from '../../domain/hangup.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import type { Simulate, Simulation } from '../../route/simulate.ts'
import { principalOf } from '../auth.ts'
import { guessable } from '../guessable.ts'
import { problems } from '../problem.ts'
import {
  bindingIdShape,
  closed,
  compact,
  maskedNumberShape,
  poolKeyShape,
  productShape,
  realIn,
  realNumberShape,
  timeShape,
  timeText,
  virtualIn,
  virtualNumberShape,
} from './shapes.ts'

const SimulateRequest = Type.Object(
  {
    caller: Type.Optional({
      ...realNumberShape,
      description: 'Who calls. Absent: a caller who withholds the number.',
    }),
    x: virtualNumberShape,
    extension: Type.Optional(
      Type.String({
        pattern: '^\\d{1,3}$',
        description: 'Digits dialled after X.',
        examples: ['12'],
      }),
    ),
    at: Type.Optional({
      ...timeShape,
      description: 'When the call would come in: now unless given. Bindings are as they are now.',
    }),
  },
  {
    ...closed,
    examples: [{ caller: '+8613800000001', x: '+8617000000001' }],
  },
)

const SimulateAnswer = Type.Object(
  {
    decision: Type.Enum(['connect', 'refuse', 'ask-digits', 'ask-customer'], {
      description:
        'connect: somebody is rung. ask-digits: the caller is asked for the extension. ask-customer: your own server decides. refuse: none of these.',
    }),
    reasons: Type.Array(Type.String(), {
      description: 'Every rule that was looked at, in order; the last one decides.',
    }),
    at: timeShape,
    x: virtualNumberShape,
    poolKey: Type.Optional(poolKeyShape),
    product: Type.Optional(productShape),
    numberState: Type.Optional(Type.Enum(['normal', 'locked', 'frozen', 'faulty'])),
    bindingId: Type.Optional({ ...bindingIdShape, description: 'The binding that it comes to.' }),
    bindingExpiresAt: Type.Optional(timeShape),
    callerRole: Type.Optional(
      Type.Enum(['A', 'B', 'N', 'G'], { description: 'Who the caller is to the binding.' }),
    ),
    callee: Type.Optional({ ...maskedNumberShape, description: 'Who is rung, masked.' }),
    trunks: Type.Optional(
      Type.Array(Type.String(), { description: 'Tried in this order.', examples: [['carrier-1']] }),
    ),
    ringback: Type.Optional(
      Type.String({
        description:
          'Code of the tone that the caller hears while it rings; absent: the network’s.',
      }),
    ),
    recording: Type.Optional(Type.Boolean()),
    ringSeconds: Type.Optional(Type.Integer()),
    talkSeconds: Type.Optional(Type.Integer()),
    controlUrl: Type.Optional(Type.String({ description: 'Who is asked, in X mode.' })),
    hears: Type.Optional(
      Type.Object(
        {
          sipStatus: Type.Integer(),
          q850: Type.Integer(),
          reason: Type.String(),
          unconnectedCause: Type.Integer(),
          controlMsg: Type.String(),
        },
        {
          description:
            'What the caller gets who is refused, or where nobody can be asked; as in the records.',
        },
      ),
    ),
    record: Type.Optional(
      Type.Object(
        {
          source: Type.Enum(['redis', 'postgres'], { description: 'Who told it.' }),
          version: Type.Integer({ description: 'Grows with every change of X or its bindings.' }),
        },
        { description: 'What it was decided on.' },
      ),
    ),
  },
  {
    examples: [
      {
        decision: 'connect',
        reasons: [
          'the number is normal',
          'its pool has no blacklist',
          'the caller is A of binding 1000000000000001',
          'the binding is live',
          'A may call this number',
          'ring the other party over carrier-1',
        ],
        at: '2030-01-30T02:00:00Z',
        x: '+8617000000001',
        poolKey: 'FC100000000000001',
        product: 'AXB',
        numberState: 'normal',
        bindingId: '1000000000000001',
        bindingExpiresAt: '2030-01-31T16:00:00Z',
        callerRole: 'A',
        callee: '139****0002',
        trunks: ['carrier-1'],
        recording: false,
        ringSeconds: 60,
        talkSeconds: 14400,
        record: { source: 'redis', version: 42 },
      },
    ],
  },
)

type SimulateDeps = { simulate: Simulate; parser: NumberParser }

export const simulateRoutes: FastifyPluginAsyncTypebox<SimulateDeps> = async (
  app,
  { simulate, parser },
) => {
  app.post(
    '/simulate',
    {
      config: { scope: 'read', ...guessable },
      schema: {
        operationId: 'simulateCall',
        summary: 'What would become of a call: this caller dials this X now',
        description:
          'By the same lookup and the same rules as of a real call. Nobody is rung, nothing is on record, and the number of the caller is not repeated.',
        tags: ['calls'],
        body: SimulateRequest,
        response: { 200: SimulateAnswer, ...problems(400, 413, 415, 422) },
      },
    },
    async (request) => {
      const { caller, x, extension, at } = request.body
      const { accountId, operator } = principalOf(request)
      const asked = {
        accountId: operator ? undefined : accountId,
        caller: caller === undefined ? undefined : realIn('body/caller', caller, parser),
        x: virtualIn('body/x', x, parser),
        extension,
        at: at === undefined ? undefined : new Date(at),
      }
      return answerOf(asked.x, await simulate(asked))
    },
  )
}

type Answer = Static<typeof SimulateAnswer>

function answerOf(x: string, { at, plan, record }: Simulation): Answer {
  const { number } = plan
  return compact({
    decision: plan.kind,
    reasons: [...plan.reasons],
    at: timeText(at),
    x,
    poolKey: number?.poolKey as string | undefined,
    product: number?.product,
    numberState: number?.state,
    ...bindingIn(plan.kind === 'connect' || plan.kind === 'refuse' ? plan.binding : undefined),
    ...connectionIn(plan),
    controlUrl: plan.kind === 'ask-customer' ? plan.url : undefined,
    hears: plan.kind === 'connect' ? undefined : heard(plan.refusal),
    record: record === undefined ? undefined : { source: record.source, version: record.version },
  })
}

function bindingIn(binding: BoundRoute | undefined) {
  return {
    bindingId: binding?.bindingId as string | undefined,
    bindingExpiresAt: binding === undefined ? undefined : timeText(binding.expiresAt),
    callerRole: binding?.callerRole,
  }
}

function connectionIn(plan: CallPlan) {
  if (plan.kind !== 'connect') return {}
  const { binding, callee, trunks, ringback } = plan
  return {
    callee: callee.toString(),
    trunks: trunks.map((trunk) => trunk as string),
    ringback,
    recording: binding.recording,
    ringSeconds: binding.ringSecondsMax,
    talkSeconds: binding.talkSecondsMax,
  }
}

function heard(refusal: Exclude<CallPlan, { kind: 'connect' }>['refusal']): Answer['hears'] {
  const { sipStatus, reason, unconnectedCause, controlMsg } = refusal
  return { sipStatus, q850: causeOf(reason).q850, reason, unconnectedCause, controlMsg }
}
