import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { afterAll, afterEach } from 'vitest'
import type { AccessKey, Account, Token } from '../../../src/accounts/account.ts'
import type { AuditNote } from '../../../src/accounts/audit.ts'
import type { BalanceChange } from '../../../src/accounts/balances.ts'
import type { BindCommand, Binding } from '../../../src/bindings/binding.ts'
import type { CallRecord } from '../../../src/cdr/call-records.ts'
import type {
  AccountId,
  BindingId,
  CallId,
  PoolKey,
  TrunkId,
  VirtualNumber,
} from '../../../src/domain/ids.ts'
import type { Li } from '../../../src/domain/money.ts'
import { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { Trunk } from '../../../src/domain/trunk.ts'
import { createAdminAuthenticate } from '../../../src/http/auth.ts'
import { buildHttpApp, type HttpDeps } from '../../../src/http/build-http-app.ts'
import type { V1Rooms } from '../../../src/http/v1/v1-routes.ts'
import type { XNumber } from '../../../src/numbers/number.ts'
import type { Pool } from '../../../src/numbers/pool.ts'
import { createMetrics } from '../../../src/platform/metrics.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { aMarket } from './a-market.ts'
import { moveRooms } from './moves-and-certification.ts'
import { someBindings } from './some-bindings.ts'
import { poolRooms } from './some-pools.ts'
import { someReceipts } from './some-receipts.ts'
import { someSimulations } from './some-simulations.ts'

export const token = 'a-token-that-only-tests-know'
export const account = 'main' as AccountId
const authorization = `Bearer ${token}`

/** Numbers that must not appear in any answer, in any of the ways they are written. */
export const secrets = { a: '+8613812340001', b: '+8613956780002' }

const number = (text: string) => PhoneNumber.fromE164(text) as PhoneNumber

const opened: FastifyInstance[] = []
let usual: Api | undefined

afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()))
})

afterAll(async () => {
  await usual?.app.close()
})

export type Api = {
  app: FastifyInstance
  lines: string[]
  commands: BindCommand[]
  /** What was noted for the audit log; with `status` what became of it. */
  notes: (AuditNote & { status?: number })[]
  /** With the token. */
  ask(options: InjectOptions | string): Promise<LightMyRequestResponse>
}

type Given = { rooms?: Partial<V1Rooms> } & Partial<Omit<HttpDeps, 'rooms'>>

/** The app on rooms that are small objects in memory. The usual one is built once per file: that takes a while. */
export async function anApi(given?: Given): Promise<Api> {
  if (given !== undefined) {
    const api = await buildApi(given)
    opened.push(api.app)
    return api
  }
  usual ??= await buildApi({})
  usual.lines.length = 0
  usual.commands.length = 0
  usual.notes.length = 0
  return usual
}

async function buildApi(given: Given): Promise<Api> {
  const lines: string[] = []
  const commands: BindCommand[] = []
  const notes: Api['notes'] = []
  const metrics = createMetrics()
  const app = await buildHttpApp({
    authenticate: createAdminAuthenticate({ token, accountId: account }),
    log: pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }),
    operations: { checks: {}, isDraining: () => false, metrics: metrics.registry },
    requestSeconds: metrics.httpRequests,
    ...given,
    rooms: { ...someRooms(commands), ...accountRooms(notes), ...given.rooms },
  })
  const ask = (options: InjectOptions | string) => {
    const asked = typeof options === 'string' ? { url: options } : options
    return app.inject({ ...asked, headers: { authorization, ...asked.headers } })
  }
  return { app, lines, commands, notes, ask }
}

type AccountRooms = Pick<V1Rooms, 'accounts' | 'balances' | 'tokens' | 'accessKeys' | 'audit'>

function accountRooms(notes: Api['notes']): AccountRooms {
  const withSecret = async () => ({ key: aKey(), secret: 'the-secret' })
  return {
    accounts: {
      create: async (given) => anAccount(given),
      get: async () => anAccount(),
      list: async () => ({ items: [anAccount()], nextCursor: undefined }),
      rename: async (_id, name) => anAccount({ name }),
      suspend: async () => anAccount({ suspendedAt: new Date('2030-01-31T00:00:00Z') }),
      resume: async () => anAccount(),
    },
    balances: {
      get: async () => 250_000 as Li,
      change: async ({ accountId, amount, note }) => aBalanceChange({ accountId, amount, note }),
      list: async () => ({ items: [aBalanceChange()], nextCursor: undefined }),
    },
    tokens: {
      create: async (given) => ({ token: aToken(given), secret: 'axb_the-token' }),
      get: async () => aToken(),
      list: async () => ({ items: [aToken()], nextCursor: undefined }),
      revoke: async () => aToken({ revokedAt: new Date('2030-01-31T00:00:00Z') }),
    },
    accessKeys: {
      create: withSecret,
      get: async () => aKey(),
      list: async () => ({ items: [aKey()], nextCursor: undefined }),
      disable: async () => aKey({ enabled: false }),
      enable: async () => aKey(),
      rotate: withSecret,
      remove: async () => undefined,
    },
    audit: {
      begin: async (note) => {
        notes.push(note)
        return { ...note, id: '1', at: new Date('2030-01-31T00:00:00Z') }
      },
      finish: ({ id: _id, at: _at, ...note }, outcome) => void notes.push({ ...note, ...outcome }),
      record: async (note, status) => void notes.push({ ...note, status }),
      list: async () => ({ items: [], nextCursor: undefined }),
      settle: async () => undefined,
    },
  }
}

function anAccount(given: Partial<Account> = {}): Account {
  return {
    ...{ id: account, name: 'Main account', operator: true, suspendedAt: undefined },
    createdAt: new Date('2030-01-30T02:00:00Z'),
    ...given,
  }
}

function aBalanceChange(given: Partial<BalanceChange> = {}): BalanceChange {
  return {
    ...{ id: '1000000001', accountId: account, amount: 250_000 as Li, balance: 250_000 as Li },
    ...{ note: 'transfer 4711', createdAt: new Date('2030-01-30T02:00:00Z') },
    ...given,
  }
}

export function aToken(given: Partial<Token> = {}): Token {
  return {
    ...{ id: 'tok-abcdefghijklmnop', accountId: account, name: 'orders', scopes: ['read'] },
    ...{ addresses: [], requestsPerMinuteMax: undefined, expiresAt: undefined, status: 'good' },
    createdAt: new Date('2030-01-30T02:00:00Z'),
    ...{ lastUsedAt: undefined, revokedAt: undefined },
    ...given,
  }
}

export function aKey(given: Partial<AccessKey> = {}): AccessKey {
  return {
    ...{ id: 'AKabcdefghijklmnopqrstuv', accountId: account, name: 'orders', scopes: ['read'] },
    ...{ addresses: [], enabled: true, rotatedAt: undefined, previousUntil: undefined },
    createdAt: new Date('2030-01-30T02:00:00Z'),
    lastUsedAt: undefined,
    ...given,
  }
}

function someRooms(commands: BindCommand[]): Omit<V1Rooms, keyof AccountRooms> {
  return {
    parser: createNumberParser({ country: 'CN' }),
    bindings: someBindings(aBinding(), commands),
    ...poolRooms(aPool(), [number(secrets.a), number(secrets.b)]),
    numbers: {
      add: async ({ numbers }) => numbers.map((x) => aNumber({ x })),
      get: async () => aNumber(),
      list: async () => ({ items: [aNumber()], nextCursor: undefined }),
      remove: async () => undefined,
      lock: async () => aNumber({ state: 'locked' }),
      unlock: async () => aNumber(),
      note: async (_account, _x, note) => aNumber({ note }),
      stop: async (_x, state) => aNumber({ state }),
      resume: async () => aNumber(),
      totals: async () => ({ numbers: 20, bound: 3, bindings: 40, moreBindings: 3960 }),
    },
    ...aMarket(),
    ...moveRooms(),
    trunks: {
      list: async () => [aTrunk()],
      create: async (_account, trunk) => trunk,
      change: async (_account, _id, wish) => ({
        ...aTrunk(),
        optionsSeconds: wish.optionsSeconds ?? 30,
      }),
      remove: async () => undefined,
    },
    callRecords: {
      list: async () => ({ items: [aCall()], nextCursor: undefined }),
      get: async (_account, id) => (id === aCall().callId ? aCall() : undefined),
    },
    simulate: someSimulations(account, number(secrets.b)),
    ...someReceipts(account),
  }
}

export function aBinding(given: Partial<Binding> = {}): Binding {
  return {
    id: '1000000000000001' as BindingId,
    accountId: account,
    poolKey: 'FC100000000000001' as PoolKey,
    x: '+8617012345678' as VirtualNumber,
    product: 'AXB',
    a: number(secrets.a),
    b: number(secrets.b),
    extension: undefined,
    groupId: undefined,
    expiresAt: new Date('2030-01-31T15:59:59Z'),
    createdAt: new Date('2030-01-30T02:00:00.250Z'),
    state: 'live',
    endedAt: undefined,
    ...given,
  }
}

export function aPool(given: Partial<Pool> = {}): Pool {
  return {
    key: 'FC100000000000001' as PoolKey,
    accountId: account,
    name: 'Couriers',
    product: 'AXB',
    assignmentMode: 'default',
    callbackMode: 'default-b',
    smsMode: 'off',
    tones: {},
    recording: false,
    ringSecondsMax: 60,
    talkSecondsMax: 14_400,
    alarmPercent: undefined,
    coolingDays: 0,
    controlUrl: undefined,
    groups: 0,
    blockedCallers: 0,
    blockedPairs: 0,
    usage: { numbers: 20, boundNumbers: 3, bindings: 5, bindable: 3995, utilisation: 0.13 },
    createdAt: new Date('2030-01-30T02:00:00Z'),
    ...given,
  }
}

export function aNumber(given: Partial<XNumber> = {}): XNumber {
  return {
    x: '+8617012345678' as VirtualNumber,
    accountId: account,
    poolKey: 'FC100000000000001' as PoolKey,
    product: 'AXB',
    class: 1,
    carrier: 2,
    city: '杭州',
    province: '浙江',
    state: 'normal',
    bindings: 1,
    capacity: 200,
    certified: false,
    note: undefined,
    rent: 5000 as Li,
    orderId: '1000000001',
    createdAt: new Date('2030-01-30T02:00:00Z'),
    ...given,
  }
}

export function aTrunk(given: Partial<Trunk> = {}): Trunk {
  return {
    id: 'carrier-1' as TrunkId,
    host: '203.0.113.10',
    port: 5060,
    transport: 'udp',
    addresses: ['203.0.113.10'],
    priority: 10,
    numberFormat: 'e164-plus',
    trustsIdentity: true,
    enabled: true,
    optionsSeconds: 30,
    ...given,
  }
}

export function aCall(given: Partial<CallRecord> = {}): CallRecord {
  return {
    callId: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10' as CallId,
    routerId: 'router-1',
    accountId: account,
    poolKey: 'FC100000000000001' as PoolKey,
    product: 'AXB',
    bindingId: '1000000000000001' as BindingId,
    x: '+8617012345678' as VirtualNumber,
    city: undefined,
    caller: number(secrets.a),
    callee: number(secrets.b),
    callerRole: 'A',
    intercepted: false,
    unconnectedCause: 0,
    controlMsg: 'OK',
    outId: undefined,
    extension: undefined,
    trunkIn: 'carrier-1' as TrunkId,
    trunkOut: 'carrier-1' as TrunkId,
    callTime: new Date('2030-01-31T08:00:00.120Z'),
    callOutTime: new Date('2030-01-31T08:00:00.145Z'),
    ringTime: new Date('2030-01-31T08:00:01.310Z'),
    startTime: new Date('2030-01-31T08:00:06Z'),
    releaseTime: new Date('2030-01-31T08:01:10.502Z'),
    releaseDirection: 1,
    releaseCause: 16,
    releaseReason: 'normal',
    recording: '2030/01/31/call.wav',
    startEventId: undefined,
    endEventId: undefined,
    ...given,
  }
}

/** No way of writing a number that the test used is in the text. */
export function holdsNoSecret(text: string): boolean {
  const national = Object.values(secrets).map((each) => each.slice(3))
  return !national.some((digits) => text.replace(/[\s().-]/g, '').includes(digits))
}
