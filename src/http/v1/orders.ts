import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { PoolKey } from '../../domain/ids.ts'
import { type Li, parseYuan, yuanText } from '../../domain/money.ts'
import type { Order, Quote, Wish } from '../../numbers/order.ts'
import type { Orders } from '../../numbers/orders.ts'
import { type Principal, principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import {
  beginningShape,
  type ClassOf,
  cityShape,
  classShape,
  idempotencyHeaders,
  moneyShape,
} from './number-shapes.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  timeShape,
  timeText,
  virtualNumberShape,
} from './shapes.ts'

const wish = {
  product: Type.Optional(productShape),
  poolKey: Type.Optional({
    ...poolKeyShape,
    description: 'Where they go; absent: the oldest pool of the product, or one that is made.',
  }),
  class: classShape,
  city: { ...cityShape, description: 'A city of the list, or 全国通用 for class 3.' },
  quantity: Type.Integer({ minimum: 1, maximum: 1000, examples: [20] }),
}
const wishExample = { product: 'AXB', class: 1, city: '杭州', quantity: 20 }

const QuoteRequest = Type.Object(wish, { ...closed, examples: [wishExample] })
const OrderRequest = Type.Object(
  {
    ...wish,
    beginning: Type.Optional({
      ...beginningShape,
      description: 'Only numbers that begin with these digits.',
    }),
    expectedPrice: Type.Optional({
      ...moneyShape,
      description: 'The price of the quote: refused when it has changed.',
      examples: ['100.00'],
    }),
  },
  { ...closed, examples: [{ ...wishExample, expectedPrice: '100.00' }] },
)

const priced = {
  product: productShape,
  class: classShape,
  city: cityShape,
  quantity: Type.Integer({ examples: [20] }),
  monthlyRent: { ...moneyShape, description: 'Yuan for one number and one calendar month.' },
  price: {
    ...moneyShape,
    description: 'Yuan for the first month of all of them, due with the order. Not refunded.',
  },
}
const pricedExample = { ...wishExample, monthlyRent: '5.00', price: '100.00' }

const QuoteAnswer = Type.Object(
  {
    ...priced,
    left: Type.Integer({ description: 'Such numbers in stock at this moment.', examples: [320] }),
    balance: Type.Optional({ ...moneyShape, description: 'Absent: none is kept.' }),
    affordable: Type.Boolean({ description: 'Whether stock and balance allow it now.' }),
  },
  { examples: [{ ...pricedExample, left: 320, balance: '250.00', affordable: true }] },
)

const orderFields = {
  id: Type.String({ examples: ['1000000001'] }),
  poolKey: poolKeyShape,
  ...priced,
  paid: { ...moneyShape, description: 'Yuan taken off the balance.' },
  createdAt: timeShape,
}
const OrderAnswer = Type.Object(
  { ...orderFields, numbers: Type.Array(virtualNumberShape) },
  {
    examples: [
      {
        id: '1000000001',
        poolKey: 'FC100000000000001',
        ...pricedExample,
        quantity: 1,
        price: '5.00',
        paid: '5.00',
        createdAt: '2030-01-30T02:00:00Z',
        numbers: ['+8617000000001'],
      },
    ],
  },
)
const orderColumns = [
  ...(Object.keys(orderFields) as (keyof typeof orderFields)[]),
  'numbers',
] as const

const OrderParams = Type.Object({
  id: Type.String({ pattern: '^[1-9]\\d{0,15}$', examples: ['1000000001'] }),
})

const OrderQuery = Type.Object(
  {
    poolKey: Type.Optional(poolKeyShape),
    product: Type.Optional(productShape),
    class: Type.Optional(classShape),
    from: Type.Optional({ ...timeShape, description: 'Bought at this time or later.' }),
    until: Type.Optional({ ...timeShape, description: 'Bought before.' }),
    order: Type.Optional(
      Type.Enum(['newest', 'oldest'], { description: 'Which come first; `newest` unless given.' }),
    ),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

type OrderDeps = { orders: Orders }

export const orderRoutes: FastifyPluginAsyncTypebox<OrderDeps> = async (app, { orders }) => {
  app.post(
    '/orders/quote',
    {
      config: { scope: 'money', audit: false },
      schema: {
        operationId: 'quoteOrder',
        summary: 'What numbers would cost, and whether there are enough; buys nothing',
        tags: ['orders'],
        body: QuoteRequest,
        response: { 200: QuoteAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => quoteAnswer(await orders.quote(wishOf(request.body, principalOf(request)))),
  )

  app.post(
    '/orders',
    {
      config: { scope: 'money' },
      schema: {
        operationId: 'placeOrder',
        summary: 'Buy X numbers at random out of the stock of the installation',
        description:
          'Rent runs from the day of the order per calendar month and is not refunded. The next bind can use the numbers.',
        tags: ['orders'],
        headers: idempotencyHeaders,
        body: OrderRequest,
        response: { 201: OrderAnswer, ...problems(400, 402, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { beginning, expectedPrice } = request.body
      const order = await orders.place({
        ...wishOf(request.body, principalOf(request)),
        beginning,
        expectedPrice: expectedPrice === undefined ? undefined : priceIn(expectedPrice),
        idempotencyKey: request.headers['idempotency-key'],
      })
      reply.header('location', `/v1/orders/${order.id}`)
      return reply.code(201).send(orderAnswer(order))
    },
  )

  addReadRoutes(app, { orders })
}

function addReadRoutes(app: Parameters<FastifyPluginAsyncTypebox>[0], { orders }: OrderDeps): void {
  app.get(
    '/orders',
    {
      config: { scope: 'money' },
      schema: {
        operationId: 'listOrders',
        summary: 'Orders of X numbers, with the numbers, price and time',
        tags: ['orders'],
        querystring: OrderQuery,
        response: { 200: pageOrCsv(pageOf(OrderAnswer), orderColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { poolKey, product, class: class_, from, until, order } = request.query
      const filter = {
        accountId: principalOf(request).accountId,
        poolKey: poolKey as PoolKey | undefined,
        product,
        class: class_ as ClassOf | undefined,
        from: from === undefined ? undefined : new Date(from),
        until: until === undefined ? undefined : new Date(until),
        order,
      }
      return sendList(request, reply, {
        name: 'orders',
        columns: orderColumns,
        list: (part) => orders.list({ ...filter, ...part }),
        answer: orderAnswer,
      })
    },
  )

  app.get(
    '/orders/:id',
    {
      config: { scope: 'money' },
      schema: {
        operationId: 'getOrder',
        summary: 'One order of X numbers',
        tags: ['orders'],
        params: OrderParams,
        response: { 200: OrderAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return orderAnswer(await orders.get(accountId, request.params.id))
    },
  )
}

function wishOf(body: Static<typeof QuoteRequest>, { accountId }: Principal): Wish {
  const { product, poolKey, class: class_, city, quantity } = body
  return {
    accountId,
    product,
    poolKey: poolKey as PoolKey | undefined,
    class: class_ as ClassOf,
    city,
    quantity,
  }
}

/** The shape lets amounts through that are too large to be a price: nothing costs that. */
function priceIn(text: string): Li {
  return parseYuan(text) ?? (-1 as Li)
}

function quoteAnswer(quote: Quote): Static<typeof QuoteAnswer> {
  const { product, class: class_, city, quantity, left, balance } = quote
  return compact({
    product,
    class: class_,
    city,
    quantity,
    monthlyRent: yuanText(quote.rent),
    price: yuanText(quote.price),
    left,
    balance: balance === undefined ? undefined : yuanText(balance),
    affordable: left >= quantity && (balance === undefined || balance >= quote.price),
  })
}

function orderAnswer(order: Order): Static<typeof OrderAnswer> {
  return {
    id: order.id,
    poolKey: order.poolKey,
    product: order.product,
    class: order.class,
    city: order.city,
    quantity: order.quantity,
    monthlyRent: yuanText(order.rent),
    price: yuanText(order.price),
    paid: yuanText(order.paid),
    createdAt: timeText(order.createdAt),
    numbers: [...order.numbers],
  }
}
