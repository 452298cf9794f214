import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { AccountId, PoolKey } from '../../domain/ids.ts'
import type { NumberChoice } from '../../numbers/number.ts'
import type { Numbers } from '../../numbers/numbers.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import { accountIdShape } from './accounts.ts'
import { singleNumberRoutes } from './number.ts'
import {
  beginningShape,
  type ClassOf,
  carrierShape,
  cityShape,
  classShape,
  NumberAnswer,
  numberAnswer,
  numberColumns,
  stateShape,
} from './number-shapes.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  listOf,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  virtualNumberShape,
  virtualsIn,
} from './shapes.ts'

const NumbersRequest = Type.Object(
  {
    poolKey: poolKeyShape,
    numbers: Type.Array(virtualNumberShape, { minItems: 1, maxItems: 1000 }),
    city: Type.Optional(cityShape),
    class: Type.Optional({
      ...classShape,
      description:
        'Absent: 3 for numbers that begin with 95, 1 for 170 and 171, 2 for all others. Class 3 goes into 95AXN pools and only there.',
    }),
    carrier: Type.Optional(carrierShape),
    accountId: Type.Optional({
      ...accountIdShape,
      description: 'Whose they become; absent: yours.',
    }),
  },
  {
    ...closed,
    examples: [
      {
        poolKey: 'FC100000000000001',
        numbers: ['+8617000000001', '+8617000000002'],
        city: '杭州',
      },
    ],
  },
)

const choice = {
  poolKey: Type.Optional(poolKeyShape),
  product: Type.Optional(productShape),
  city: Type.Optional(cityShape),
  class: Type.Optional(classShape),
  state: Type.Optional(stateShape),
  bound: Type.Optional(Type.Boolean({ description: 'Only with, or only without a binding.' })),
  certified: Type.Optional(
    Type.Boolean({ description: 'Only with, or only without a certifier.' }),
  ),
  beginning: Type.Optional(beginningShape),
}
const ChoiceQuery = Type.Object(choice, closed)

const NumberQuery = Type.Object(
  {
    ...choice,
    sort: Type.Optional(Type.Enum(['x', 'createdAt'], { description: '`x` unless given.' })),
    order: Type.Optional(
      Type.Enum(['ascending', 'descending'], { description: '`ascending` unless given.' }),
    ),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

const TotalsAnswer = Type.Object(
  {
    numbers: Type.Integer({ description: 'X numbers.' }),
    bound: Type.Integer({ description: 'X numbers with a binding.' }),
    bindings: Type.Integer({ description: 'Live bindings on all of them.' }),
    moreBindings: Type.Integer({ description: 'How many more fit on those in state normal.' }),
  },
  { examples: [{ numbers: 20, bound: 3, bindings: 40, moreBindings: 3960 }] },
)

type NumberDeps = { numbers: Numbers; parser: NumberParser }

export const numberRoutes: FastifyPluginAsyncTypebox<NumberDeps> = async (
  app,
  { numbers, parser },
) => {
  app.post(
    '/numbers',
    {
      // Whoever could add any number would get the calls to it.
      config: { scope: 'operator' },
      schema: {
        operationId: 'addNumbers',
        summary: 'Add X numbers to a pool of any account: all or none',
        description: 'For numbers that are not to be bought out of the stock.',
        tags: ['numbers'],
        body: NumbersRequest,
        response: {
          201: listOf(NumberAnswer),
          ...problems(400, 404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { poolKey, city, class: class_, carrier, accountId } = request.body
      const added = await numbers.add({
        accountId: (accountId as AccountId | undefined) ?? principalOf(request).accountId,
        poolKey: poolKey as PoolKey,
        numbers: virtualsIn('body/numbers', request.body.numbers, parser),
        city,
        class: class_ as ClassOf | undefined,
        carrier: carrier as ClassOf | undefined,
      })
      return reply.code(201).send({ items: added.map((each) => numberAnswer(each)) })
    },
  )

  addListRoutes(app, numbers)
  await app.register(singleNumberRoutes, { numbers, parser })
}

const addListRoutes = (
  app: Parameters<FastifyPluginAsyncTypebox>[0],
  numbers: Pick<Numbers, 'list' | 'totals'>,
): void => {
  app.get(
    '/numbers',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listNumbers',
        summary: 'X numbers, of all pools or of one',
        tags: ['numbers'],
        querystring: NumberQuery,
        response: { 200: pageOrCsv(pageOf(NumberAnswer), numberColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { sort, order } = request.query
      const filter = { ...choiceOf(request.query, principalOf(request).accountId), sort, order }
      return sendList(request, reply, {
        name: 'numbers',
        columns: numberColumns,
        list: (part) => numbers.list({ ...filter, ...part }),
        answer: numberAnswer,
      })
    },
  )

  app.get(
    '/numbers/totals',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getNumberTotals',
        summary: 'How many X numbers there are, how many are bound, how many more bindings fit',
        tags: ['numbers'],
        querystring: ChoiceQuery,
        response: { 200: TotalsAnswer, ...problems(400) },
      },
    },
    (request) => numbers.totals(choiceOf(request.query, principalOf(request).accountId)),
  )
}

function choiceOf(query: Static<typeof ChoiceQuery>, accountId: AccountId): NumberChoice {
  const { product, city, state, bound, certified, beginning } = query
  return {
    accountId,
    product,
    city,
    state,
    bound,
    certified,
    beginning,
    poolKey: query.poolKey as PoolKey | undefined,
    class: query.class as ClassOf | undefined,
  }
}
