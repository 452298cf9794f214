import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Account } from '../../accounts/account.ts'
import type { Accounts } from '../../accounts/accounts.ts'
import type { AccountId } from '../../domain/ids.ts'
import { principalOf } from '../auth.ts'
import { problems } from '../problem.ts'
import {
  closed,
  compact,
  lineOfText,
  pageAnswer,
  pageOf,
  pageQuery,
  timeShape,
  timeText,
} from './shapes.ts'

export const accountIdShape = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
  description: 'Id of an account, chosen when it is made.',
  examples: ['city-couriers'],
})
const nameShape = lineOfText(64, { description: 'For people.', examples: ['City Couriers'] })

const AccountRequest = Type.Object(
  { id: accountIdShape, name: nameShape },
  { ...closed, examples: [{ id: 'city-couriers', name: 'City Couriers' }] },
)

const AccountPatch = Type.Object(
  { name: nameShape },
  { ...closed, examples: [{ name: 'City Couriers Ltd' }] },
)

const AccountAnswer = Type.Object(
  {
    id: accountIdShape,
    name: nameShape,
    operator: Type.Boolean({ description: 'Runs this installation.' }),
    status: Type.Enum(['normal', 'suspended']),
    suspendedAt: Type.Optional(timeShape),
    createdAt: timeShape,
  },
  {
    examples: [
      {
        id: 'city-couriers',
        name: 'City Couriers',
        operator: false,
        status: 'normal',
        createdAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)

const AccountQuery = Type.Object(
  { status: Type.Optional(Type.Enum(['normal', 'suspended'])), ...pageQuery },
  closed,
)

const AccountParams = Type.Object({ id: accountIdShape })
type AccountDeps = { accounts: Accounts }

export const accountRoutes: FastifyPluginAsyncTypebox<AccountDeps> = async (app, { accounts }) => {
  app.post(
    '/accounts',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'createAccount',
        summary: 'Add an account; it can do nothing until it has a token',
        tags: ['accounts'],
        body: AccountRequest,
        response: { 201: AccountAnswer, ...problems(400, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { id, name } = request.body
      const account = await accounts.create({ id: id as AccountId, name })
      reply.header('location', `/v1/accounts/${account.id}`)
      return reply.code(201).send(answerOf(account))
    },
  )

  app.get(
    '/accounts',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'listAccounts',
        summary: 'Accounts, in the order of their ids',
        tags: ['accounts'],
        querystring: AccountQuery,
        response: { 200: pageOf(AccountAnswer), ...problems(400, 422) },
      },
    },
    async (request) => {
      const { status, ...part } = request.query
      const suspended = status === undefined ? undefined : status === 'suspended'
      return pageAnswer(await accounts.list({ suspended, ...part }), answerOf)
    },
  )

  app.get(
    '/account',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getOwnAccount',
        summary: 'The account that the token belongs to',
        tags: ['accounts'],
        response: { 200: AccountAnswer, ...problems() },
      },
    },
    async (request) => answerOf(await accounts.get(principalOf(request).accountId)),
  )

  addSingleRoutes(app, accounts)
  addStateRoutes(app, accounts)
}

const addSingleRoutes = (
  app: Parameters<FastifyPluginAsyncTypebox>[0],
  accounts: Accounts,
): void => {
  app.get(
    '/accounts/:id',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'getAccount',
        summary: 'One account and its state',
        tags: ['accounts'],
        params: AccountParams,
        response: { 200: AccountAnswer, ...problems(400, 404) },
      },
    },
    async (request) => answerOf(await accounts.get(request.params.id as AccountId)),
  )

  app.patch(
    '/accounts/:id',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'renameAccount',
        summary: 'Give an account another name',
        tags: ['accounts'],
        params: AccountParams,
        body: AccountPatch,
        response: { 200: AccountAnswer, ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request) =>
      answerOf(await accounts.rename(request.params.id as AccountId, request.body.name)),
  )
}

const addStateRoutes = (
  app: Parameters<FastifyPluginAsyncTypebox>[0],
  accounts: Accounts,
): void => {
  app.post(
    '/accounts/:id/suspend',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'suspendAccount',
        summary: 'Refuse everything that the account asks for, within seconds',
        description: 'Its bindings stay and calls through them go on. Once more is the same.',
        tags: ['accounts'],
        params: AccountParams,
        response: { 200: AccountAnswer, ...problems(400, 404, 409) },
      },
    },
    async (request) => answerOf(await accounts.suspend(request.params.id as AccountId)),
  )

  app.post(
    '/accounts/:id/resume',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'resumeAccount',
        summary: 'Let a suspended account in again, within seconds',
        tags: ['accounts'],
        params: AccountParams,
        response: { 200: AccountAnswer, ...problems(400, 404) },
      },
    },
    async (request) => answerOf(await accounts.resume(request.params.id as AccountId)),
  )
}

function answerOf(account: Account): Static<typeof AccountAnswer> {
  const { suspendedAt } = account
  return compact({
    id: account.id as string,
    name: account.name,
    operator: account.operator,
    status: suspendedAt === undefined ? ('normal' as const) : ('suspended' as const),
    suspendedAt: suspendedAt === undefined ? undefined : timeText(suspendedAt),
    createdAt: timeText(account.createdAt),
  })
}
