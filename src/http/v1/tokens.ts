import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Token } from '../../accounts/account.ts'
import type { Tokens } from '../../accounts/tokens.ts'
import { problems } from '../problem.ts'
import { accountIdShape } from './accounts.ts'
import {
  AccountQuery,
  accountIn,
  addressesShape,
  checkGivable,
  forAccount,
  grantFields,
  grantQuery,
  grantTimes,
} from './grants.ts'
import { closed, compact, pageAnswer, pageOf, timeShape, timeText } from './shapes.ts'

const tokenIdShape = Type.String({
  pattern: '^tok-[a-z]{16}$',
  description: 'Names the token; it is not the token.',
  examples: ['tok-kzqwhbvxmtraplce'],
})
const requestsShape = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'Requests per minute and server process; absent: the usual limit.',
  examples: [600],
})

const TokenRequest = Type.Object(
  {
    ...grantFields,
    addresses: Type.Optional(addressesShape),
    expiresAt: Type.Optional(timeShape),
    requestsPerMinute: Type.Optional(requestsShape),
    ...forAccount,
  },
  {
    ...closed,
    examples: [
      { name: 'order service', scopes: ['read', 'bind'], expiresAt: '2031-01-01T00:00:00+08:00' },
    ],
  },
)

const tokenFields = {
  id: tokenIdShape,
  accountId: accountIdShape,
  ...grantFields,
  addresses: addressesShape,
  requestsPerMinute: Type.Optional(requestsShape),
  status: Type.Enum(['good', 'expired', 'revoked']),
  expiresAt: Type.Optional(timeShape),
  ...grantTimes,
  revokedAt: Type.Optional(timeShape),
}

const tokenExample = {
  id: 'tok-kzqwhbvxmtraplce',
  accountId: 'city-couriers',
  name: 'order service',
  scopes: ['read', 'bind'],
  addresses: [],
  status: 'good',
  expiresAt: '2030-12-31T16:00:00Z',
  createdAt: '2030-01-30T02:00:00Z',
}

const TokenAnswer = Type.Object(tokenFields, { examples: [tokenExample] })
const NewTokenAnswer = Type.Object(
  {
    ...tokenFields,
    token: Type.String({ description: 'The token itself, shown this once: it is kept nowhere.' }),
  },
  {
    examples: [
      {
        ...tokenExample,
        token: 'axb_3vQm1xK9yT0aWc5RjZ8uHn2LdPq7sEfGiBoV4tYxNkM_c0DhU6rJwXz1sQeLgPmA2b',
      },
    ],
  },
)

const TokenQuery = Type.Object(
  { status: Type.Optional(Type.Enum(['good', 'expired', 'revoked'])), ...grantQuery },
  closed,
)

const TokenParams = Type.Object({ id: tokenIdShape })
type TokenDeps = { tokens: Tokens }

export const tokenRoutes: FastifyPluginAsyncTypebox<TokenDeps> = async (app, { tokens }) => {
  app.post(
    '/tokens',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'createToken',
        summary: 'Make a bearer token; it is shown in this answer and never again',
        tags: ['access'],
        body: TokenRequest,
        response: { 201: NewTokenAnswer, ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { accountId, name, scopes, addresses, expiresAt, requestsPerMinute } = request.body
      const owner = accountIn(request, accountId)
      checkGivable(request, scopes)
      const { token, secret } = await tokens.create({
        accountId: owner,
        name,
        scopes,
        addresses: addresses ?? [],
        expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
        requestsPerMinuteMax: requestsPerMinute,
      })
      reply.header('location', `/v1/tokens/${token.id}`)
      return reply.code(201).send({ ...answerOf(token), token: secret })
    },
  )

  app.get(
    '/tokens',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listTokens',
        summary: 'Tokens, also those that are no longer good, in the order of their ids',
        tags: ['access'],
        querystring: TokenQuery,
        response: { 200: pageOf(TokenAnswer), ...problems(400, 422) },
      },
    },
    async (request) => {
      const { accountId, ...part } = request.query
      const owner = accountIn(request, accountId)
      return pageAnswer(await tokens.list({ accountId: owner, ...part }), answerOf)
    },
  )

  addSingleRoutes(app, tokens)
}

const addSingleRoutes = (app: Parameters<FastifyPluginAsyncTypebox>[0], tokens: Tokens): void => {
  app.get(
    '/tokens/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'getToken',
        summary: 'One token: what it may do, when it was last used',
        tags: ['access'],
        params: TokenParams,
        querystring: AccountQuery,
        response: { 200: TokenAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const owner = accountIn(request, request.query.accountId)
      return answerOf(await tokens.get(owner, request.params.id))
    },
  )

  app.delete(
    '/tokens/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'revokeToken',
        summary: 'Revoke a token, for good',
        description: 'Every server process refuses it within a few seconds.',
        tags: ['access'],
        params: TokenParams,
        querystring: AccountQuery,
        response: {
          204: Type.Null({ description: 'It is good no longer.' }),
          ...problems(400, 404),
        },
      },
    },
    async (request, reply) => {
      const owner = accountIn(request, request.query.accountId)
      await tokens.revoke(owner, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function answerOf(token: Token): Static<typeof TokenAnswer> {
  const time = (at: Date | undefined) => (at === undefined ? undefined : timeText(at))
  return compact({
    id: token.id,
    accountId: token.accountId as string,
    name: token.name,
    scopes: [...token.scopes],
    addresses: [...token.addresses],
    requestsPerMinute: token.requestsPerMinuteMax,
    status: token.status,
    expiresAt: time(token.expiresAt),
    createdAt: timeText(token.createdAt),
    lastUsedAt: time(token.lastUsedAt),
    revokedAt: time(token.revokedAt),
  })
}
