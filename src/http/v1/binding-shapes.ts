import { type Static, type TSchema, Type } from 'typebox'
import type { Binding } from '../../bindings/binding.ts'
import {
  bindingIdShape,
  closed,
  compact,
  lineOfText,
  maskedNumberShape,
  poolKeyShape,
  productShape,
  realNumberShape,
  ringSecondsShape,
  talkSecondsShape,
  timeShape,
  timeText,
  tonesShape,
  virtualNumberShape,
} from './shapes.ts'

const callRestrictShape = Type.Enum(['CONTROL_AX_DISABLE', 'CONTROL_BX_DISABLE'], {
  description: 'Side that may not call X: A, or everybody else.',
})

export const outIdShape = lineOfText(128, {
  description: 'Your own id of the binding; comes back in every report.',
  examples: ['order-20300131-7'],
})

const outOrderIdShape = lineOfText(128, {
  description: 'Your own order number; only kept.',
  examples: ['20300131-0007'],
})

export const extensionShape = Type.String({
  pattern: '^[0-9]{1,3}$',
  description: 'AXN_EXTENSION: what is dialled after X to reach A.',
  examples: ['123'],
})

export const groupIdShape = Type.String({
  pattern: '^[1-9]\\d{0,14}$',
  description: 'AXG: the group whose numbers may call X.',
  examples: ['2000000000001'],
})

const surveyShape = Type.Object(
  {
    side: Type.Enum(['A', 'B'], { description: 'Who is asked.' }),
    question: Type.String({
      pattern: '^[0-9A-Za-z_-]{1,32}$',
      description: 'Code of the tone that asks.',
    }),
    thanks: Type.Optional(
      Type.String({
        pattern: '^[0-9A-Za-z_-]{1,32}$',
        description: 'Code of the tone that thanks.',
      }),
    ),
    keys: Type.Array(Type.String({ pattern: '^[0-9*#]$' }), {
      minItems: 1,
      maxItems: 2,
      description: 'What counts as an answer: one or two keys.',
    }),
    waitSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 30, description: 'How long a key is waited for.' }),
    ),
    loopsMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 5, description: 'How often it is asked.' }),
    ),
    endSeconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10, description: 'From the answer to the end.' }),
    ),
  },
  {
    ...closed,
    description: 'AXB: a question after the call, answered by key.',
    examples: [{ side: 'A', question: '10000005', keys: ['1', '2'], waitSeconds: 10 }],
  },
)

/** What a binding may say of its calls. */
const terms = {
  recording: Type.Boolean({ description: 'Record every call.' }),
  tones: tonesShape,
  ringSeconds: ringSecondsShape,
  talkSeconds: talkSecondsShape,
  callRestrict: callRestrictShape,
  outId: outIdShape,
  outOrderId: outOrderIdShape,
  asr: Type.Boolean({ description: 'Write recordings down; needs `asrModel`.' }),
  asrModel: lineOfText(64, {
    description: 'Id of the speech model.',
    examples: ['7ee372834d2f4cc7ac0d0ab2d0ae1aac'],
  }),
  survey: surveyShape,
}

const someTerms = {
  recording: Type.Optional(terms.recording),
  tones: Type.Optional(terms.tones),
  ringSeconds: Type.Optional(terms.ringSeconds),
  talkSeconds: Type.Optional(terms.talkSeconds),
  callRestrict: Type.Optional(terms.callRestrict),
  outId: Type.Optional(terms.outId),
  outOrderId: Type.Optional(terms.outOrderId),
  asr: Type.Optional(terms.asr),
  asrModel: Type.Optional(terms.asrModel),
  survey: Type.Optional(terms.survey),
}

const until = { expiresAt: '2030-01-31T23:59:59+08:00' }

/** One per product: AXB, AXN, AXN extension, 95AXN, AXG. */
const bindExamples = [
  {
    poolKey: 'FC100000000000001',
    phoneA: '13800000001',
    phoneB: '13900000002',
    ...until,
    recording: true,
    outId: 'order-20300131-7',
  },
  {
    poolKey: 'FC100000000000002',
    product: 'AXN',
    phoneA: '13800000001',
    expectCity: '杭州',
    ...until,
  },
  {
    poolKey: 'FC100000000000003',
    product: 'AXN_EXTENSION',
    phoneA: '13800000001',
    phoneB: '057188992688',
    x: '17000000001',
    extension: '123',
    ...until,
  },
  {
    poolKey: 'FC100000000000004',
    product: '95AXN',
    phoneA: '13800000001',
    callRestrict: 'CONTROL_AX_DISABLE',
    ...until,
  },
  {
    poolKey: 'FC100000000000005',
    product: 'AXG',
    phoneA: '13800000001',
    groupId: '2000000000001',
    ...until,
  },
]

export const BindRequest = Type.Object(
  {
    poolKey: poolKeyShape,
    product: Type.Optional(
      Type.Enum(['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG'], {
        description: 'When given, the pool must be of it.',
      }),
    ),
    phoneA: realNumberShape,
    phoneB: Type.Optional({
      ...realNumberShape,
      description: `AXB needs it. Else whom A reaches by calling X.`,
    }),
    x: Type.Optional({
      ...virtualNumberShape,
      description: 'This X. Without it one of the pool is chosen.',
    }),
    extension: Type.Optional({
      ...extensionShape,
      description:
        'AXN_EXTENSION, only with `x`: this extension. Without it a free one of three digits is assigned.',
    }),
    groupId: Type.Optional(groupIdShape),
    expectCity: Type.Optional(
      lineOfText(32, {
        description:
          'City that a chosen X should be from, by its name in the list of cities. Without it: the city of A.',
        examples: ['杭州'],
      }),
    ),
    expiresAt: timeShape,
    ...someTerms,
  },
  { ...closed, examples: bindExamples },
)
export type BindRequest = Static<typeof BindRequest>

const orNone = <Shape extends TSchema>(shape: Shape) =>
  Type.Optional(Type.Union([shape, Type.Null({ description: 'None, or what the pool says.' })]))

export const BindingChangeRequest = Type.Object(
  {
    phoneA: Type.Optional(realNumberShape),
    phoneB: orNone(realNumberShape),
    expiresAt: Type.Optional(timeShape),
    groupId: Type.Optional(groupIdShape),
    recording: orNone(terms.recording),
    tones: orNone(terms.tones),
    ringSeconds: orNone(terms.ringSeconds),
    talkSeconds: orNone(terms.talkSeconds),
    callRestrict: orNone(terms.callRestrict),
    outId: orNone(terms.outId),
    outOrderId: orNone(terms.outOrderId),
    asr: orNone(terms.asr),
    asrModel: orNone(terms.asrModel),
    survey: orNone(terms.survey),
  },
  {
    ...closed,
    minProperties: 1,
    examples: [
      { ...until, callRestrict: null },
      { phoneB: '13900000003' },
      { asr: true, asrModel: '7ee372834d2f4cc7ac0d0ab2d0ae1aac' },
    ],
  },
)
export type BindingChangeRequest = Static<typeof BindingChangeRequest>

export const keyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]*$',
      description:
        'The same key with the same request does for 24 hours what it did, once, however often it is sent.',
      examples: ['8f14e45f-ceea-467f-a8f2-6c1d1c1f2b0a'],
    }),
  ),
})

const answerExample = {
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
}

export const BindingAnswer = Type.Object(
  {
    id: bindingIdShape,
    poolKey: poolKeyShape,
    product: productShape,
    x: virtualNumberShape,
    phoneA: maskedNumberShape,
    phoneB: Type.Optional(maskedNumberShape),
    extension: Type.Optional(extensionShape),
    groupId: Type.Optional(groupIdShape),
    status: Type.Enum(['live', 'expired', 'unbound']),
    expiresAt: timeShape,
    createdAt: timeShape,
    endedAt: Type.Optional(timeShape),
    ...someTerms,
    recording: Type.Optional(Type.Boolean({ description: 'Absent here and below: as the pool.' })),
  },
  {
    examples: [
      answerExample,
      {
        ...answerExample,
        poolKey: 'FC100000000000003',
        product: 'AXN_EXTENSION',
        extension: '123',
      },
    ],
  },
)

export const csvColumns = [
  ...(['id', 'poolKey', 'product', 'x', 'extension', 'groupId', 'phoneA', 'phoneB'] as const),
  ...(['status', 'expiresAt', 'createdAt', 'endedAt', 'recording', 'tones'] as const),
  ...(['ringSeconds', 'talkSeconds', 'callRestrict', 'outId', 'outOrderId'] as const),
  ...(['asr', 'asrModel', 'survey'] as const),
]

export function answerOf(binding: Binding): Static<typeof BindingAnswer> {
  return compact({
    id: binding.id as string,
    poolKey: binding.poolKey as string,
    product: binding.product,
    x: binding.x as string,
    phoneA: binding.a.toString(),
    phoneB: binding.b?.toString(),
    extension: binding.extension,
    groupId: binding.groupId,
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
    outOrderId: binding.outOrderId,
    asr: binding.asr,
    asrModel: binding.asrModel,
    survey: surveyOf(binding.survey),
  })
}

function callRestrictOf(restriction: Binding['restriction']): BindRequest['callRestrict'] {
  if (restriction === undefined) return undefined
  return restriction === 'AX' ? 'CONTROL_AX_DISABLE' : 'CONTROL_BX_DISABLE'
}

function surveyOf(survey: Binding['survey']): BindRequest['survey'] {
  return survey === undefined ? undefined : compact({ ...survey, keys: [...survey.keys] })
}
