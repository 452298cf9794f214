import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { AccessKeys, KeyWithSecret } from '../../accounts/access-keys.ts'
import type { AccessKey } from '../../accounts/account.ts'
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

const keyIdShape = Type.String({
  pattern: '^[0-9A-Za-z]{16,128}$',
  description: "Id of the pair, the vendor API's `AccessKeyId`.",
  examples: ['AKx7Qm2LdPq9sEfGiBoV4tYx'],
})

const KeyRequest = Type.Object(
  { ...grantFields, addresses: Type.Optional(addressesShape), ...forAccount },
  { ...closed, examples: [{ name: 'order service', scopes: ['read', 'bind'] }] },
)

const RotateRequest = Type.Object(
  {
    keepSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 604_800,
        description: 'How long the old secret stays good beside the new one; 0 unless given.',
      }),
    ),
  },
  { ...closed, examples: [{ keepSeconds: 3600 }] },
)

const keyFields = {
  id: keyIdShape,
  accountId: accountIdShape,
  ...grantFields,
  addresses: addressesShape,
  enabled: Type.Boolean(),
  ...grantTimes,
  rotatedAt: Type.Optional(timeShape),
  oldSecretUntil: Type.Optional({
    ...timeShape,
    description: 'Until when the secret before the last rotation is good too.',
  }),
}

const keyExample = {
  id: 'AKx7Qm2LdPq9sEfGiBoV4tYx',
  accountId: 'city-couriers',
  name: 'order service',
  scopes: ['read', 'bind'],
  addresses: ['203.0.113.0/28'],
  enabled: true,
  createdAt: '2030-01-30T02:00:00Z',
}

const KeyAnswer = Type.Object(keyFields, { examples: [keyExample] })
const NewKeyAnswer = Type.Object(
  {
    ...keyFields,
    secret: Type.String({ description: 'For signing; shown this once.' }),
  },
  {
    examples: [{ ...keyExample, secret: '3vQm1xK9yT0aWc5RjZ8uHn2LdPq7sEfGiBoV4tYxNkM' }],
  },
)

const KeyQuery = Type.Object({ enabled: Type.Optional(Type.Boolean()), ...grantQuery }, closed)

const KeyParams = Type.Object({ id: keyIdShape })
type App = Parameters<FastifyPluginAsyncTypebox>[0]
export type ShownAccessKeys = Omit<AccessKeys, 'adopt'>

export const accessKeyRoutes: FastifyPluginAsyncTypebox<{ accessKeys: ShownAccessKeys }> = async (
  app,
  { accessKeys },
) => {
  app.post(
    '/access-keys',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'createAccessKey',
        summary: 'Make an access key pair; its secret is shown in this answer and never again',
        tags: ['access'],
        body: KeyRequest,
        response: { 201: NewKeyAnswer, ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { accountId, name, scopes, addresses } = request.body
      const owner = accountIn(request, accountId)
      checkGivable(request, scopes)
      const asked = { accountId: owner, name, scopes, addresses: addresses ?? [] }
      const made = await accessKeys.create(asked)
      reply.header('location', `/v1/access-keys/${made.key.id}`)
      return reply.code(201).send(withSecret(made))
    },
  )

  app.get(
    '/access-keys',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listAccessKeys',
        summary: 'Access keys, in the order of their ids',
        tags: ['access'],
        querystring: KeyQuery,
        response: { 200: pageOf(KeyAnswer), ...problems(400, 422) },
      },
    },
    async (request) => {
      const { accountId, ...part } = request.query
      const owner = accountIn(request, accountId)
      return pageAnswer(await accessKeys.list({ accountId: owner, ...part }), answerOf)
    },
  )

  addSingleRoutes(app, accessKeys)
  addStateRoutes(app, accessKeys)
}

const addSingleRoutes = (app: App, accessKeys: ShownAccessKeys): void => {
  app.get(
    '/access-keys/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'getAccessKey',
        summary: 'One access key: what it may do, when it was last used',
        tags: ['access'],
        params: KeyParams,
        querystring: AccountQuery,
        response: { 200: KeyAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const owner = accountIn(request, request.query.accountId)
      return answerOf(await accessKeys.get(owner, request.params.id))
    },
  )

  app.delete(
    '/access-keys/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'deleteAccessKey',
        summary: 'Delete an access key, for good',
        description: 'Every server process refuses it within a few seconds.',
        tags: ['access'],
        params: KeyParams,
        querystring: AccountQuery,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const owner = accountIn(request, request.query.accountId)
      await accessKeys.remove(owner, request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/access-keys/:id/rotate',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'rotateAccessKey',
        summary: 'Give an access key a new secret; the old one may stay good for a while',
        tags: ['access'],
        params: KeyParams,
        querystring: AccountQuery,
        body: RotateRequest,
        response: { 200: NewKeyAnswer, ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request) => {
      const owner = accountIn(request, request.query.accountId)
      const { keepSeconds } = request.body
      return withSecret(await accessKeys.rotate(owner, request.params.id, keepSeconds ?? 0))
    },
  )
}

const addStateRoutes = (app: App, accessKeys: ShownAccessKeys): void => {
  app.post(
    '/access-keys/:id/disable',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'disableAccessKey',
        summary: 'Refuse an access key until it is enabled again, within seconds',
        tags: ['access'],
        params: KeyParams,
        querystring: AccountQuery,
        response: { 200: KeyAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const owner = accountIn(request, request.query.accountId)
      return answerOf(await accessKeys.disable(owner, request.params.id))
    },
  )

  app.post(
    '/access-keys/:id/enable',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'enableAccessKey',
        summary: 'Let a disabled access key in again, within seconds',
        tags: ['access'],
        params: KeyParams,
        querystring: AccountQuery,
        response: { 200: KeyAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const owner = accountIn(request, request.query.accountId)
      return answerOf(await accessKeys.enable(owner, request.params.id))
    },
  )
}

function withSecret({ key, secret }: KeyWithSecret): Static<typeof NewKeyAnswer> {
  return { ...answerOf(key), secret }
}

function answerOf(key: AccessKey): Static<typeof KeyAnswer> {
  const time = (at: Date | undefined) => (at === undefined ? undefined : timeText(at))
  return compact({
    id: key.id,
    accountId: key.accountId as string,
    name: key.name,
    scopes: [...key.scopes],
    addresses: [...key.addresses],
    enabled: key.enabled,
    createdAt: timeText(key.createdAt),
    lastUsedAt: time(key.lastUsedAt),
    rotatedAt: time(key.rotatedAt),
    oldSecretUntil: time(key.previousUntil),
  })
}
