import { type Static, Type } from 'typebox'
import { yuanText } from '../../domain/money.ts'
import type { XNumber } from '../../numbers/number.ts'
import {
  compact,
  lineOfText,
  poolKeyShape,
  productShape,
  timeShape,
  timeText,
  virtualNumberShape,
} from './shapes.ts'

/** Schemas of whatever speaks of X numbers, their stock and their price. */

export const classShape = Type.Integer({
  minimum: 1,
  maximum: 3,
  description: '1 virtual operator (170/171), 2 carrier, 3 nationwide (begins with 95).',
  examples: [1],
})
export type ClassOf = 1 | 2 | 3

export const carrierShape = Type.Integer({
  minimum: 1,
  maximum: 3,
  description: '1 China Mobile, 2 China Unicom, 3 China Telecom.',
  examples: [2],
})

export const cityShape = lineOfText(32, {
  description: 'A city of the list: see GET /v1/cities. Hainan has only 海口.',
  examples: ['杭州'],
})

export const beginningShape = Type.String({
  pattern: '^\\d{1,18}$',
  description: 'First digits as they are dialled inside the country, or all of them.',
  examples: ['170'],
})

export const stateShape = Type.Enum(['normal', 'locked', 'frozen', 'faulty'], {
  description: 'locked: takes no new binding; frozen and faulty: carries no call, by the operator.',
})

export const moneyShape = Type.String({
  pattern: '^-?\\d+\\.\\d{2,3}$',
  description: 'Yuan.',
  examples: ['5.00'],
})

export const noteShape = lineOfText(128, { description: 'For people.', examples: ['spare'] })

export const idempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]*$',
      description:
        'The same key with the same body gives the same answer, however often it is sent.',
      examples: ['8f14e45f-ceea-467f-a8f2-6c1d1c1f2b0a'],
    }),
  ),
})

export const NumberAnswer = Type.Object(
  {
    x: virtualNumberShape,
    poolKey: poolKeyShape,
    product: productShape,
    class: classShape,
    carrier: Type.Optional(carrierShape),
    city: Type.Optional(
      lineOfText(32, {
        description: 'Where the number belongs; absent for nationwide ones.',
        examples: ['杭州'],
      }),
    ),
    province: Type.Optional(Type.String({ examples: ['浙江'] })),
    state: stateShape,
    bindings: Type.Integer({ description: 'Live bindings.', examples: [1] }),
    moreBindings: Type.Integer({ description: 'How many more fit.', examples: [199] }),
    certified: Type.Boolean({ description: 'Somebody stands for it by name.' }),
    note: Type.Optional(noteShape),
    monthlyRent: Type.Optional({ ...moneyShape, description: 'Yuan; absent: it was not bought.' }),
    orderId: Type.Optional(Type.String({ description: 'The order that bought it.' })),
    createdAt: { ...timeShape, description: 'When it was bought or added.' },
  },
  {
    examples: [
      {
        x: '+8617000000001',
        poolKey: 'FC100000000000001',
        product: 'AXB',
        class: 1,
        carrier: 2,
        city: '杭州',
        province: '浙江',
        state: 'normal',
        bindings: 1,
        moreBindings: 199,
        certified: false,
        note: 'spare',
        monthlyRent: '5.00',
        orderId: '1000000001',
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

export const numberColumns = [
  ...(['x', 'poolKey', 'product', 'class', 'carrier', 'city', 'province', 'state'] as const),
  ...(['bindings', 'moreBindings', 'certified', 'note', 'monthlyRent', 'orderId'] as const),
  'createdAt' as const,
]

export function numberAnswer(number: XNumber): Static<typeof NumberAnswer> {
  return compact({
    x: number.x as string,
    poolKey: number.poolKey as string,
    product: number.product,
    class: number.class,
    carrier: number.carrier,
    city: number.city,
    province: number.province,
    state: number.state,
    bindings: number.bindings,
    moreBindings: number.capacity - number.bindings,
    certified: number.certified,
    note: number.note,
    monthlyRent: number.rent === undefined ? undefined : yuanText(number.rent),
    orderId: number.orderId,
    createdAt: timeText(number.createdAt),
  })
}
