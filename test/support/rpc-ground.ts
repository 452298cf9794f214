import { randomUUID } from 'node:crypto'
import { type FastifyInstance, fastify } from 'fastify'
import { Type } from 'typebox'
import type { KeyHolder } from '../../src/accounts/account.ts'
import { DomainError } from '../../src/domain/errors.ts'
import type { AccountId } from '../../src/domain/ids.ts'
import { type ActionContext, defineAction } from '../../src/http/rpc/action.ts'
import { createUseNonce } from '../../src/http/rpc/nonces.ts'
import { rpcRoutes } from '../../src/http/rpc/rpc-routes.ts'
import { createThrottle } from '../../src/http/rpc/throttle.ts'
import type { Redis } from '../../src/platform/redis.ts'

export const good = { id: 'AKabcdefghijklmnopqrstuv', secret: 'the secret of the key, long enough' }
export const goodKey: KeyHolder = {
  keyId: good.id,
  accountId: 'main' as AccountId,
  operator: false,
  suspended: false,
  enabled: true,
  scopes: ['read', 'bind'],
  addresses: [],
  secrets: [good.secret, 'the secret before the last rotation'],
}

const echo = defineAction({
  name: 'Echo',
  scope: 'read',
  perSecondMax: 1_000,
  schema: Type.Object({
    Text: Type.String({ maxLength: 100, description: 'up to 100 characters.' }),
    Flag: Type.Optional(Type.Boolean({ description: 'true or false.' })),
    Count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9, description: '1 to 9.' })),
    List: Type.Optional(
      Type.Array(Type.Object({ Name: Type.String(), On: Type.Optional(Type.Boolean()) }), {
        description: 'a list of names.',
      }),
    ),
  }),
  run: async (asked) => ({ Echo: asked }),
})
const refuse = defineAction({
  name: 'Refuse',
  scope: 'bind',
  perSecondMax: 2,
  schema: Type.Object({}),
  run: async () => {
    throw new DomainError('bind-conflict', 409, 'A or B is already there.', {
      vendorCode: 'isv.BIND_CONFLICT',
    })
  },
})
const costly = defineAction({
  name: 'Costly',
  scope: 'money',
  perSecondMax: 100,
  schema: Type.Object({}),
  run: async () => ({}),
})

/** The RPC edge alone, with actions that show what arrived; what a test changes of it holds for the next request. */
export type RpcGround = {
  readonly base: string
  holder: KeyHolder
  now: () => Date
  /** Changing actions, in the order in which they came. */
  readonly noted: string[]
  close(): Promise<void>
}

export async function startRpcGround(redis: Redis): Promise<RpcGround> {
  const app = fastify({ bodyLimit: 100_000, genReqId: () => randomUUID() })
  const ground = {
    base: '',
    holder: goodKey,
    now: () => new Date(),
    noted: [] as string[],
    close: () => app.close(),
  }
  await app.register(rpcRoutes, {
    keys: { find: async (id) => (id === ground.holder.keyId ? ground.holder : undefined) },
    useNonce: createUseNonce(redis),
    throttle: createThrottle(() => 0),
    now: () => ground.now(),
    echoesExactly: false,
    actions: [echo, refuse, costly],
    contextOf: () => ({}) as ActionContext,
    noted: async ({ action }, work) => {
      ground.noted.push(action.name)
      return work()
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  ground.base = `http://127.0.0.1:${portOf(app)}`
  return ground
}

export function portOf(app: FastifyInstance): number {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
