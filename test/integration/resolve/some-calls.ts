import { expect } from 'vitest'
import type { BindCommand, Binding } from '../../../src/bindings/binding.ts'
import type { CallPlan, Product } from '../../../src/domain/call.ts'
import type { PoolKey, TrunkId, VirtualNumber } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { CreatePool } from '../../../src/numbers/pool.ts'
import { planCall } from '../../../src/route/plan-call.ts'
import { anAttempt } from '../../support/builders.ts'
import {
  apiRooms,
  inMinutes,
  mainAccount,
  routerRooms,
  testVault,
  until,
  workerRooms,
  xAt,
} from '../../support/data-rooms.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import type { TestRedis } from '../../support/redis.ts'

/**
 * One API, one worker, a router that believes Redis, and a sceptic that asks Postgres about every
 * call: what the two tell of a call must be the same.
 */
export async function startRooms(database: TestDatabase, server: TestRedis) {
  const { sql } = database
  const api = apiRooms({ sql, redis: await server.client() })
  const router = routerRooms({ sql, redis: await server.client() })
  const sceptic = routerRooms({ sql, redis: await server.client() })
  const worker = workerRooms({ sql, redis: await server.client() })
  worker.keeper.start()
  router.trust.start()
  await until(() => router.trust.believes(xAt(0)))
  return {
    api,
    router,
    sceptic,
    worker,
    async stop() {
      await router.trust.stop()
      await worker.keeper.stop()
      await api.publisher.close()
    },
  }
}

export type Rooms = Awaited<ReturnType<typeof startRooms>>

let nextX = 100_000

/** A pool of the product with one fresh X in it. */
export async function aPool(
  { api }: Pick<Rooms, 'api'>,
  product: Product,
  given: Partial<CreatePool> = {},
): Promise<{ poolKey: PoolKey; x: VirtualNumber }> {
  const control = product === 'X_MODE' ? { controlUrl: 'https://customer.example/calls' } : {}
  const pool = await api.pools.create({
    accountId: mainAccount,
    name: product,
    product,
    ...control,
    ...given,
  })
  nextX += 1
  const x = product === '95AXN' ? (`+869513${nextX}` as VirtualNumber) : xAt(nextX)
  await api.numbers.add({
    accountId: mainAccount,
    poolKey: pool.key,
    numbers: [x],
    ...(product === '95AXN' ? { class: 3 as const } : {}),
  })
  return { poolKey: pool.key, x }
}

export function bindOn(
  { api }: Pick<Rooms, 'api'>,
  at: { poolKey: PoolKey; x: VirtualNumber },
  given: Pick<BindCommand, 'a'> & Partial<BindCommand>,
): Promise<Binding> {
  const expiresAt = inMinutes(60)
  return api.bindings.bind({ accountId: mainAccount, expiresAt, ...at, ...given })
}

type Call = {
  readonly caller: PhoneNumber | undefined
  readonly dialled: VirtualNumber
  readonly extension?: string | undefined
}

/** What becomes of a call, in a few words. */
export async function outcomeOf(
  { resolve }: Pick<Rooms['router'], 'resolve'>,
  call: Call,
): Promise<Outcome> {
  const attempt = anAttempt({ ...call, extension: call.extension, receivedAt: new Date() })
  const record = await resolve(attempt)
  const trunks = ['carrier' as TrunkId]
  return told(planCall({ attempt, record, trunks, unmatchedSipStatus: 403 }))
}

export type Outcome = {
  readonly does: CallPlan['kind']
  /** Masked. */
  readonly rings?: string
  readonly as?: string
  readonly because?: string
}

function told(plan: CallPlan): Outcome {
  if (plan.kind === 'connect') {
    return { does: plan.kind, rings: String(plan.callee), as: plan.binding.callerRole }
  }
  const at = plan.kind === 'refuse' && plan.binding !== undefined ? plan.binding : undefined
  const because = plan.refusal.reason
  return at === undefined
    ? { does: plan.kind, because }
    : { does: plan.kind, because, as: at.callerRole }
}

/** Once for each: what Redis does not know yet, what it knows then, and what Postgres says. */
async function everywhere(rooms: Rooms, call: Call): Promise<readonly Outcome[]> {
  const first = await outcomeOf(rooms.router, call)
  const second = await outcomeOf(rooms.router, call)
  return [first, second, await outcomeOf(rooms.sceptic, call)]
}

export type Place = Awaited<ReturnType<typeof aPool>>

export async function expectCallIn(
  rooms: Rooms,
  { x }: Place,
  caller: PhoneNumber | undefined,
  outcome: Outcome,
  extension?: string,
) {
  const call = { caller, dialled: x, ...(extension === undefined ? {} : { extension }) }
  for (const each of await everywhere(rooms, call)) expect(each).toEqual(outcome)
}

export const ringing = (callee: PhoneNumber, as: string): Outcome => ({
  does: 'connect',
  rings: String(callee),
  as,
})
export const refused = (because: string, as?: string): Outcome =>
  as === undefined ? { does: 'refuse', because } : { does: 'refuse', because, as }

let nextCall = 0

/** In the books, as a call that was put through unless it says otherwise. */
export async function aCallRecord(
  { sql }: TestDatabase,
  given: {
    binding: string
    x: string
    caller: PhoneNumber | undefined
    secondsAgo: number
    intercepted?: boolean
  },
) {
  const at = new Date(Date.now() - given.secondsAgo * 1000)
  nextCall += 1
  await sql.rows({
    name: 'test.partition',
    text: 'select ensure_call_record_partition($1)',
    values: [at],
  })
  const { caller } = given
  await sql.rows({
    name: 'test.call-record',
    text: `
      insert into call_record (call_id, call_time, router_id, binding_id, x, caller_sealed,
                               caller_index, caller_role, intercepted, unconnected_cause,
                               control_msg, trunk_in, stage)
      values ($1, $2, 'r', $3, $4, $5, $6, 'N', $7, 0, 'OK', 'carrier', 5)`,
    values: [
      `call-${nextCall}`,
      at,
      given.binding,
      given.x,
      caller === undefined ? null : testVault.seal(caller),
      caller === undefined ? null : testVault.blindIndex(caller),
      given.intercepted ?? false,
    ],
  })
}
