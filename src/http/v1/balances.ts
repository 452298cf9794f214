import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { BalanceChange, Balances } from '../../accounts/balances.ts'
import type { AccountId } from '../../domain/ids.ts'
import { parseSignedYuan, yuanText } from '../../domain/money.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems, RequestRefused } from '../problem.ts'
import { accountIdShape } from './accounts.ts'
import { AccountQuery, accountIn, forAccount } from './grants.ts'
import { idempotencyHeaders, moneyShape } from './number-shapes.ts'
import { sendList } from './send-list.ts'
import { closed, compact, lineOfText, pageOf, pageQuery, timeShape, timeText } from './shapes.ts'

const BalanceAnswer = Type.Object(
  {
    accountId: accountIdShape,
    balance: Type.Optional({
      ...moneyShape,
      description: 'Yuan. Absent: none is kept, and numbers are had without paying.',
    }),
  },
  { examples: [{ accountId: 'city-couriers', balance: '250.00' }] },
)

const noteShape = lineOfText(128, { description: 'For people.', examples: ['transfer 4711'] })

const ChangeRequest = Type.Object(
  {
    amount: Type.String({
      pattern: '^-?\\d{1,9}(\\.\\d{1,3})?$',
      description: 'Yuan to put on the balance; with a minus, to take off.',
      examples: ['250.00'],
    }),
    note: noteShape,
  },
  { ...closed, examples: [{ amount: '250.00', note: 'transfer 4711' }] },
)

const ChangeAnswer = Type.Object(
  {
    id: Type.String({ examples: ['1000000001'] }),
    accountId: accountIdShape,
    amount: moneyShape,
    balance: { ...moneyShape, description: 'Yuan, after it.' },
    note: noteShape,
    createdAt: timeShape,
  },
  {
    examples: [
      {
        id: '1000000001',
        accountId: 'city-couriers',
        amount: '250.00',
        balance: '250.00',
        note: 'transfer 4711',
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const csvColumns = ['id', 'accountId', 'amount', 'balance', 'note', 'createdAt'] as const

export const balanceRoutes: FastifyPluginAsyncTypebox<{ balances: Balances }> = async (
  app,
  { balances },
) => {
  app.get(
    '/balance',
    {
      config: { scope: 'money' },
      schema: {
        operationId: 'getBalance',
        summary: 'What an account has to buy numbers with',
        tags: ['accounts'],
        querystring: AccountQuery,
        response: { 200: BalanceAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const accountId = accountIn(request, request.query.accountId)
      const balance = await balances.get(accountId)
      return compact({
        accountId: accountId as string,
        balance: balance === undefined ? undefined : yuanText(balance),
      })
    },
  )

  app.get(
    '/balance-changes',
    {
      config: { scope: 'money' },
      schema: {
        operationId: 'listBalanceChanges',
        summary: 'What the operator has put on a balance or taken off it, newest first',
        description: 'What was paid for numbers stands with the orders.',
        tags: ['accounts'],
        querystring: Type.Object({ ...forAccount, ...pageQuery, ...csvQuery }, closed),
        response: { 200: pageOrCsv(pageOf(ChangeAnswer), csvColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const accountId = accountIn(request, request.query.accountId)
      return sendList(request, reply, {
        name: 'balance-changes',
        columns: csvColumns,
        list: (part) => balances.list({ accountId, ...part }),
        answer: answerOf,
      })
    },
  )

  app.post(
    '/accounts/:id/balance-changes',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'changeBalance',
        summary: "Put money on an account's balance, or take it off",
        description:
          'An account that keeps no balance has one from then on, and pays for what it buys. Send an Idempotency-Key, so that what is sent twice is not counted twice.',
        tags: ['accounts'],
        params: Type.Object({ id: accountIdShape }),
        headers: idempotencyHeaders,
        body: ChangeRequest,
        response: { 201: ChangeAnswer, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const amount = parseSignedYuan(request.body.amount)
      if (amount === undefined) throw notAnAmount()
      const change = await balances.change({
        accountId: request.params.id as AccountId,
        amount,
        note: request.body.note,
        idempotencyKey: request.headers['idempotency-key'],
      })
      return reply.code(201).send(answerOf(change))
    },
  )
}

/** The schema has let nothing else through. */
const notAnAmount = () =>
  new RequestRefused([{ pointer: 'body/amount', detail: 'must be an amount of yuan' }])

function answerOf(change: BalanceChange): Static<typeof ChangeAnswer> {
  return {
    id: change.id,
    accountId: change.accountId as string,
    amount: yuanText(change.amount),
    balance: yuanText(change.balance),
    note: change.note,
    createdAt: timeText(change.createdAt),
  }
}
