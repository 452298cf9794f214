import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import { until } from '../../support/data-rooms.ts'
import { type Ask, asker } from '../../support/two-accounts.ts'

/** The engine with api and worker, from outside: pools and what hangs on them, as calls would meet it. */
let engine: ApiEngine
let ask: Ask
const [a, b, n] = ['13800700001', '13900700002', '13700700003']

beforeAll(async () => {
  engine = await startApiEngine(['api', 'worker'])
  ask = asker(engine.base, engine.adminToken)
})
afterAll(() => engine.stop())

const text = (json: Record<string, unknown>, name: string) => String(json[name])

async function aPool(product: string, xs: readonly string[], more: object = {}): Promise<string> {
  const made = await ask('POST', '/v1/pools', { name: product, product, ...more })
  expect(made.status).toBe(201)
  const poolKey = text(made.json, 'key')
  const added = await ask('POST', '/v1/numbers', { poolKey, numbers: xs })
  expect(added.status).toBe(201)
  return poolKey
}

async function bind(body: object): Promise<string> {
  const expiresAt = new Date(Date.now() + 3_600_000)
  const bound = await ask('POST', '/v1/bindings', { expiresAt, ...body })
  expect(bound.status, bound.text).toBe(201)
  return text(bound.json, 'id')
}

/** Why the caller is refused. There are no trunks here: who is let through fails at that, the last rule of all. */
async function refusal(caller: string, x: string) {
  const { status, json } = await ask('POST', '/v1/simulate', { caller, x })
  expect(status).toBe(200)
  const { reason, unconnectedCause } = json['hears'] as { reason: string; unconnectedCause: number }
  return reason === 'no-trunk' ? undefined : `${reason} ${unconnectedCause}`
}

test('who is on the blacklist is refused, for cause 1, until taken off', async () => {
  const x = '+8617070000001'
  const poolKey = await aPool('AXB', [x])
  await bind({ poolKey, x, phoneA: a, phoneB: b })
  expect(await refusal(a, x)).toBeUndefined()
  const pool = `/v1/pools/${poolKey}`
  const made = await ask('POST', `${pool}/blocked-callers`, { number: a })
  expect(made.status).toBe(201)
  expect((await ask('POST', `${pool}/blocked-callers`, { number: `+86${a}` })).status).toBe(200)
  const blacklisted = 'blacklisted 1'
  expect(await refusal(a, x)).toBe(blacklisted)
  expect(await refusal(b, x)).toBeUndefined()
  await ask('DELETE', `${pool}/blocked-callers/${text(made.json, 'id')}`)
  expect(await refusal(a, x)).toBeUndefined()
  await ask('POST', `${pool}/blocked-pairs`, { first: a, second: b, way: 'PHONEB_REJECT' })
  expect(await refusal(a, x)).toBe(blacklisted)
  expect(await refusal(b, x)).toBeUndefined()
  await ask('POST', `${pool}/blocked-pairs`, { first: a, second: b, way: 'PHONEA_REJECT' })
  expect(await refusal(a, x)).toBeUndefined()
  expect(await refusal(b, x)).toBe(blacklisted)
  await ask('POST', `${pool}/blocked-pairs/remove`, { first: a, second: b })
  expect(await refusal(b, x)).toBeUndefined()
})

test('members of a group are connected, others are not, and the group stays while it is bound', async () => {
  const x = '+8617070000002'
  const poolKey = await aPool('AXG', [x])
  const groups = `/v1/pools/${poolKey}/groups`
  const group = text((await ask('POST', groups, { numbers: [b] })).json, 'id')
  const bindingId = await bind({ poolKey, x, phoneA: a, groupId: group })
  expect(await refusal(b, x)).toBeUndefined()
  expect(await refusal(n, x)).toBe('not-in-group 2')
  const edited = await ask('POST', `${groups}/${group}/members`, { numbers: [n, b] })
  expect(edited.json).toMatchObject({ added: 1, removed: 0, members: 2 })
  expect(await refusal(n, x)).toBeUndefined()
  await ask('PUT', `${groups}/${group}/members`, { numbers: [n] })
  expect(await refusal(b, x)).toBe('not-in-group 2')
  expect(await refusal(n, x)).toBeUndefined()
  const refused = await ask('DELETE', `${groups}/${group}`)
  expect(refused.status).toBe(409)
  expect(refused.json).toMatchObject({
    code: 'group-in-use',
    vendorCode: 'isv.FORBIDDEN_ACTION',
  })
  await ask('DELETE', `/v1/bindings/${bindingId}`)
  expect((await ask('DELETE', `${groups}/${group}`)).status).toBe(204)
})

test('a change of the pool is what the next call goes by', async () => {
  const x = '+8617070000003'
  const poolKey = await aPool('AXN', [x])
  await bind({ poolKey, x, phoneA: a, phoneB: b })
  expect(await refusal(a, x)).toBeUndefined()
  const changed = await ask('PATCH', `/v1/pools/${poolKey}`, { callbackMode: 'disabled' })
  expect(changed.json).toMatchObject({ callbackMode: 'disabled', bindings: 1, utilisation: 100 })
  expect(await refusal(a, x)).toBe('no-callback 4')
})

test('a worker raises the alarm of a pool that is nearly used up, and clears it', async () => {
  const poolKey = await aPool('AXN', ['+8617070000004', '+8617070000005'], { alarmPercent: 50 })
  const alarms = async (open: boolean) => {
    const { json } = await ask('GET', `/v1/alarms?poolKey=${poolKey}&open=${open}`)
    return json['items'] as { percent: number }[]
  }
  const bindingId = await bind({ poolKey, phoneA: a })
  await until(async () => (await alarms(true)).length === 1, 30_000)
  expect(await alarms(true)).toMatchObject([{ kind: 'pool-utilisation', percent: 50 }])
  await ask('DELETE', `/v1/bindings/${bindingId}`)
  await until(async () => (await alarms(false)).length === 1, 30_000)
  expect(await alarms(true)).toEqual([])
})
