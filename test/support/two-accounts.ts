import { rowOf } from '../../src/cdr/call-record-row.ts'
import { ensurePartition, rowsAsJson, upsertCallRecords } from '../../src/cdr/call-record-table.ts'
import { createEventSealer, parseStoredEvent } from '../../src/cdr/stored-event.ts'
import type { AccountId, BindingId, PoolKey, VirtualNumber } from '../../src/domain/ids.ts'
import { scopes } from '../../src/domain/scope.ts'
import { storeReceipts } from '../../src/receipts/store.ts'
import type { ApiEngine } from './api-engine.ts'
import { use } from './at-rest.ts'
import { aCall, aNumber } from './call-events.ts'

/** One of everything that an account can have, by the ids that stand in paths and bodies. */
export type Things = {
  readonly accountId: string
  readonly poolKey: string
  readonly otherPoolKey: string
  readonly groupPoolKey: string
  readonly groupId: string
  /** In the other pool. */
  readonly blockedCallerId: string
  readonly blockedPairId: string
  readonly x: string
  /** Not bound. */
  readonly freeX: string
  readonly city: string
  readonly bindingId: string
  readonly secondBindingId: string
  readonly callId: string
  readonly tokenId: string
  readonly keyId: string
  readonly orderId: string
  readonly migrationId: string
  readonly certifierId: string
  /** Tied to the first pool; its type is pushed too. */
  readonly queueName: string
  readonly receiptId: string
}

export type Answer = { readonly status: number; readonly text: string; readonly json: Json }
type Json = Record<string, unknown>

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  contentType?: string,
) => Promise<Answer>

export function asker(base: string, token: string): Ask {
  return async (method, path, body, contentType = 'application/json') => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    if (text !== undefined) use(text)
    const answer = await fetch(base + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(text === undefined ? {} : { 'content-type': contentType }),
      },
      ...(text === undefined ? {} : { body: text }),
    })
    const answered = await answer.text()
    const isJson = /json/.test(answer.headers.get('content-type') ?? '')
    return {
      status: answer.status,
      text: answered,
      json: isJson ? (JSON.parse(answered) as Json) : {},
    }
  }
}

/** The answer's body, or an error with all of it. */
async function made(answering: Promise<Answer>): Promise<Json> {
  const { status, text, json } = await answering
  if (status >= 300) throw new Error(`${status} ${text}`)
  return json
}

const text = (json: Json, name: string) => String(json[name])

/** An account with a token for everything, and one of everything. `at`: 0 to 9, makes its numbers its own. */
export async function anAccount(engine: ApiEngine, operator: Ask, at: number) {
  const accountId = `account-${at}`
  await made(operator('POST', '/v1/accounts', { id: accountId, name: `Account ${at}` }))
  const { token } = await made(operator('POST', '/v1/tokens', { accountId, name: 'all', scopes }))
  const ask = asker(engine.base, String(token))
  return { ask, things: await someThings(engine, { operator, ask, accountId, at }) }
}

async function someThings(
  engine: ApiEngine,
  given: { operator: Ask; ask: Ask; accountId: string; at: number },
): Promise<Things> {
  const { ask, accountId, at } = given
  const pool = async (name: string, product = 'AXB') =>
    text(await made(ask('POST', '/v1/pools', { name: `${name} ${at}`, product })), 'key')
  const poolKey = await pool('first')
  const otherPoolKey = await pool('second')
  const groupPoolKey = await pool('groups', 'AXG')
  const lines = Array.from({ length: 6 }, (_, n) => `1700${at}00000${n},1,杭州`)
  const csv = `number,class,city\n${lines.join('\n')}\n`
  await made(given.operator('POST', '/v1/inventory/imports', csv, 'text/csv'))
  const wish = { poolKey, class: 1, city: '杭州', quantity: 4, beginning: `1700${at}` }
  const order = await made(ask('POST', '/v1/orders', wish))
  const migration = await made(
    ask('POST', '/v1/number-migrations', {
      ...{ fromPoolKey: poolKey, toPoolKey: otherPoolKey, count: 1 },
    }),
  )
  const listed = await made(ask('GET', `/v1/numbers?poolKey=${poolKey}`))
  const [x = '', freeX = ''] = (listed['items'] as { x: string }[]).map((each) => each.x)
  const bind = (n: number) =>
    made(
      ask('POST', '/v1/bindings', {
        ...{ poolKey, x, phoneA: `1380000${at}${n}01`, phoneB: `1390000${at}${n}02` },
        ...{ expiresAt: new Date(Date.now() + 3_600_000), outId: `out-of-${accountId}` },
      }),
    )
  const [binding, second] = [await bind(0), await bind(1)]
  const certifier = await made(
    ask('POST', '/v1/certifiers', { phone: `1380000${at}003`, numbers: [freeX] }),
  )
  const [real, other] = [`1380000${at}021`, `1390000${at}022`]
  const group = await made(
    ask('POST', `/v1/pools/${groupPoolKey}/groups`, { name: 'group', numbers: [real] }),
  )
  const caller = await made(
    ask('POST', `/v1/pools/${otherPoolKey}/blocked-callers`, { number: real }),
  )
  const pair = await made(
    ask('POST', `/v1/pools/${otherPoolKey}/blocked-pairs`, { first: real, second: other }),
  )
  const grant = { name: `of ${accountId}`, scopes: ['read'] }
  const token = await made(ask('POST', '/v1/tokens', grant))
  const key = await made(ask('POST', '/v1/access-keys', grant))
  return {
    ...{ accountId, poolKey, otherPoolKey, groupPoolKey, x, freeX, city: '杭州' },
    groupId: text(group, 'id'),
    blockedCallerId: text(caller, 'id'),
    blockedPairId: text(pair, 'id'),
    bindingId: text(binding, 'id'),
    secondBindingId: text(second, 'id'),
    callId: await aCallRecord(engine, {
      ...{ accountId, poolKey, x, at },
      bindingId: text(binding, 'id'),
    }),
    tokenId: text(token, 'id'),
    keyId: text(key, 'id'),
    orderId: text(order, 'id'),
    migrationId: text(migration, 'id'),
    certifierId: text(certifier, 'id'),
    ...(await someReceipts(engine, { ask, accountId, poolKey })),
  }
}

/** A queue, a push to nowhere that is off, a topic of brokers that are not there, and a receipt for all. */
async function someReceipts(
  { database, vault }: ApiEngine,
  { ask, accountId, poolKey }: { ask: Ask; accountId: string; poolKey: string },
): Promise<{ queueName: string; receiptId: string }> {
  const queue = await made(
    ask('POST', '/v1/receipts/queues', {
      ...{ type: 'SecretReport', suffix: '1', poolKeys: [poolKey] },
    }),
  )
  const push = '/v1/receipts/pushes/SecretReport'
  const settings = { url: 'https://receipts.example.invalid/', timeoutMs: 500 }
  await made(ask('PUT', push, settings))
  await made(ask('PUT', '/v1/receipts/kafka/SecretReport', {}))
  await storeReceipts(database.sql, vault, [
    {
      ...{ accountId: accountId as AccountId, type: 'SecretReport', eventId: `${accountId}:end` },
      ...{ revision: 1, callId: undefined, poolKey: poolKey as PoolKey, happenedAt: new Date() },
      body: { id: `${accountId}:end` },
    },
  ])
  await made(ask('PUT', push, { ...settings, enabled: false }))
  const { items } = await made(ask('GET', '/v1/receipts/deliveries'))
  const [receipt] = items as Json[]
  return { queueName: text(queue, 'name'), receiptId: text(receipt ?? {}, 'id') }
}

async function aCallRecord(
  { database, vault }: ApiEngine,
  of: { accountId: string; poolKey: string; x: string; bindingId: string; at: number },
): Promise<string> {
  const seal = createEventSealer(vault)
  const events = aCall({
    accountId: of.accountId as AccountId,
    poolKey: of.poolKey as PoolKey,
    x: of.x as VirtualNumber,
    bindingId: of.bindingId as BindingId,
    caller: aNumber(`+861380000${of.at}001`),
    callee: aNumber(`+861390000${of.at}002`),
  })
  for (const event of events) {
    const parsed = parseStoredEvent(seal(event))
    if (parsed.kind === 'poison') throw new Error(parsed.reason)
    await ensurePartition(database.sql, event.callTime)
    await upsertCallRecords(database.sql, rowsAsJson([rowOf(parsed.event)]))
  }
  return String(events[0]?.callId)
}

/** Ids of the same shapes that nobody has. */
export const nobodysThings: Things = {
  accountId: 'nobody',
  poolKey: 'FC199999999999991',
  otherPoolKey: 'FC199999999999992',
  groupPoolKey: 'FC199999999999993',
  groupId: '899999999999995',
  blockedCallerId: '899999999999996',
  blockedPairId: '899999999999997',
  x: '+8617099999991',
  freeX: '+8617099999992',
  city: '杭州',
  bindingId: '8999999999999991',
  secondBindingId: '8999999999999990',
  callId: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
  tokenId: 'tok-nobodynobodynobo',
  keyId: 'AKnobodynobodynobodynobo',
  orderId: '899999999999992',
  migrationId: '899999999999993',
  certifierId: '899999999999994',
  queueName: 'Alicom-Queue-nobody-SecretReport-1',
  receiptId: '899999999999993',
}
