import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { scopes } from '../../../src/domain/scope.ts'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import {
  addQueue,
  askMns,
  bodyOf,
  type MnsClient,
  type MnsCredentials,
  mnsClient,
  tell,
} from '../../support/queue-ground.ts'
import { type Credentials, popCore } from '../../support/rpc-clients.ts'
import { asker } from '../../support/two-accounts.ts'

type Json = Record<string, unknown>
const shop = 'shop'
const ends = 'Alicom-Queue-shop-SecretReport'
let engine: ApiEngine
let key: Credentials
let otherKey: Credentials
const ground = () => ({ sql: engine.database.sql, vault: engine.vault })

beforeAll(async () => {
  engine = await startApiEngine()
  const operator = asker(engine.base, engine.adminToken)
  for (const id of [shop, 'other']) await operator('POST', '/v1/accounts', { id, name: id })
  key = await newKey(shop)
  otherKey = await newKey('other')
  const { sql } = engine.database
  await addQueue(sql, { name: ends, accountId: shop })
  await addQueue(sql, { name: 'shop-ends-2', accountId: shop, isDefault: false })
  await addQueue(sql, { name: 'others-ends', accountId: 'other' })
})
afterAll(() => engine.stop())
beforeEach(async () => {
  const { sql } = engine.database
  await sql.rows({ name: 'test.empty', text: 'delete from receipt', values: [] })
})

async function newKey(accountId: string, change: Json = {}): Promise<Credentials> {
  const operator = asker(engine.base, engine.adminToken)
  const given = { name: 'all', scopes, ...change }
  const token = await operator('POST', '/v1/tokens', { accountId, name: 'all', scopes })
  const { json } = await asker(
    engine.base,
    String(token.json['token']),
  )(...(['POST', '/v1/access-keys', given] as const))
  return { id: String(json['id']), secret: String(json['secret']) }
}

const tellShop = (count: number) => tell(ground(), count, { accountId: shop })

/** As a stock puller gets it. */
async function tokenFor(parameters: Json, by = key): Promise<MnsCredentials> {
  const answer = await popCore(engine.base, by, 'GET')('QueryTokenForMnsQueue', parameters)
  const dto = answer['MessageTokenDTO'] as Record<string, string>
  expect(dto['ExpireTime']).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  return {
    id: dto['AccessKeyId'] ?? '',
    secret: dto['AccessKeySecret'] ?? '',
    securityToken: dto['SecurityToken'] ?? '',
  }
}

const refusal = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'not refused',
    (err: unknown) => (err instanceof Error ? err.name : String(err)),
  )

describe.each<[string, () => Promise<MnsClient>]>([
  ['an access key', async () => mnsClient(engine.base, key)],
  [
    'a token that was asked for by the vendor’s client',
    async () =>
      mnsClient(engine.base, await tokenFor({ MessageType: 'SecretReport', queueName: ends })),
  ],
])('the vendor’s queue client, unmodified, with %s', (_, connect) => {
  test('receives one message and deletes it', async () => {
    const client = await connect()
    const [id] = await tellShop(1)
    const { code, body } = await client.receiveMessage(ends)
    expect(code).toBe(200)
    expect(body).toEqual({
      MessageId: expect.stringMatching(/^[0-9A-F]{16}$/),
      ReceiptHandle: expect.any(String),
      MessageBody: expect.any(String),
      MessageBodyMD5: expect.stringMatching(/^[0-9A-F]{32}$/),
      EnqueueTime: expect.stringMatching(/^\d{13}$/),
      NextVisibleTime: expect.stringMatching(/^\d{13}$/),
      FirstDequeueTime: expect.stringMatching(/^\d{13}$/),
      DequeueCount: '1',
      Priority: '8',
    })
    expect(bodyOf(body)).toMatchObject({ id, city: '杭州' })
    expect(await client.deleteMessage(ends, body['ReceiptHandle'] ?? '')).toMatchObject({
      code: 204,
    })
    expect(await refusal(client.receiveMessage(ends))).toBe('MNSMessageNotExistError')
  })

  test('receives a batch in order and deletes it', async () => {
    const client = await connect()
    const ids = await tellShop(20)
    const { body } = await client.batchReceiveMessage(ends, 16, 1)
    expect(body.map((each) => bodyOf(each)['id'])).toEqual(ids.slice(0, 16))
    const handles = body.map((each) => each['ReceiptHandle'] ?? '')
    expect(await client.batchDeleteMessage(ends, handles)).toMatchObject({
      ...{ code: 204, body: undefined },
    })
    const failed = await client.batchDeleteMessage(ends, [...handles.slice(0, 2), 'forged'])
    expect(failed).toMatchObject({
      code: 404,
      body: [
        { ErrorCode: 'MessageNotExist', ReceiptHandle: handles[0] },
        { ErrorCode: 'MessageNotExist', ReceiptHandle: handles[1] },
        { ErrorCode: 'ReceiptHandleError', ReceiptHandle: 'forged' },
      ],
    })
  })

  test('waits for the first message', async () => {
    const client = await connect()
    const waiting = client.batchReceiveMessage(ends, 16, 25)
    const ids = await tellShop(2)
    const { body } = await waiting
    expect(body.map((each) => bodyOf(each)['id'])).toEqual(ids)
    expect(await refusal(client.receiveMessage(ends, 1))).toBe('MNSMessageNotExistError')
  })

  test('peeks, changes visibility and reads attributes', async () => {
    const client = await connect()
    const [id] = await tellShop(2)
    expect(bodyOf((await client.peekMessage(ends)).body)['id']).toBe(id)
    expect((await client.batchPeekMessage(ends, 5)).body).toHaveLength(2)
    const { body } = await client.receiveMessage(ends)
    const handle = body['ReceiptHandle'] ?? ''
    const moved = await client.changeMessageVisibility(ends, handle, 600)
    expect(moved.body).toEqual({
      ReceiptHandle: expect.any(String),
      NextVisibleTime: expect.stringMatching(/^\d{13}$/),
    })
    expect((await client.getQueueAttributes(ends)).body).toMatchObject({
      ...{ QueueName: ends, ActiveMessages: '1', InactiveMessages: '1', DelayMessages: '0' },
      ...{ VisibilityTimeout: '30', MessageRetentionPeriod: '3600' },
    })
    expect(await refusal(client.deleteMessage(ends, handle))).toBe('MNSReceiptHandleErrorError')
    await client.deleteMessage(ends, moved.body['ReceiptHandle'] ?? '')
  })

  test('reads no queue but those of its account', async () => {
    const client = await connect()
    for (const queue of ['others-ends', 'no-such-queue']) {
      expect(await refusal(client.receiveMessage(queue))).toMatch(
        /^MNS(QueueNotExist|AccessDenied)Error$/,
      )
      expect(await refusal(client.batchDeleteMessage(queue, ['x']))).toMatch(
        /^MNS(QueueNotExist|AccessDenied)Error$/,
      )
    }
  })

  test('sends nothing, makes nothing and removes nothing', async () => {
    const client = await connect()
    const all = [
      client.sendMessage(ends, { MessageBody: 'x' }),
      client.createQueue(ends, {}),
      client.deleteQueue(ends),
    ]
    expect(await Promise.all(all.map(refusal))).toEqual(all.map(() => 'MNSAccessDeniedError'))
  })
})

test('a name that no queue can have is one of a queue that is not there', async () => {
  for (const queue of ['%00', 'a%20b', 'a%2fb', 'x'.repeat(121)]) {
    const asked = await askMns(engine.base, key, { path: `/queues/${queue}/messages` })
    expect(asked).toMatchObject({ status: 404, code: 'QueueNotExist' })
  }
})

describe('QueryTokenForMnsQueue', () => {
  const ask = (parameters: Json, by = key) =>
    popCore(engine.base, by, 'GET')('QueryTokenForMnsQueue', parameters)
  const codeOf = (asked: Promise<Json>) => asked.then(String, (err: { code: string }) => err.code)

  test('without a name gives a token for the default queue, and for that one only', async () => {
    const client = mnsClient(engine.base, await tokenFor({ MessageType: 'SecretReport' }))
    await tellShop(1)
    expect((await client.receiveMessage(ends)).code).toBe(200)
    expect(await refusal(client.receiveMessage('shop-ends-2'))).toBe('MNSAccessDeniedError')
    const more = await tokenFor({ MessageType: 'SecretReport', QueueName: 'shop-ends-2' })
    const second = mnsClient(engine.base, more)
    expect(await refusal(second.receiveMessage('shop-ends-2'))).toBe('MNSMessageNotExistError')
  })

  test('is refused for a queue that is not there, another’s, or of another type', async () => {
    const unknown = 'isv.QUEUE_NOT_EXIST'
    const type = { MessageType: 'SecretReport' }
    expect(await codeOf(ask({ ...type, QueueName: 'none' }))).toBe(unknown)
    expect(await codeOf(ask({ ...type, QueueName: ends }, otherKey))).toBe(unknown)
    expect(await codeOf(ask({ MessageType: 'SecretStartReport', QueueName: ends }))).toBe(unknown)
    expect(await codeOf(ask({ MessageType: 'SecretStartReport' }))).toBe(unknown)
    expect(await codeOf(ask({ QueueName: ends }))).toBe('MissingMessageType')
    const bound = await newKey(shop, { scopes: ['bind'] })
    expect(await codeOf(ask(type, bound))).toBe('isp.RAM_PERMISSION_DENY')
  })

  test('reading stands in the audit log under the access key, once an hour', async () => {
    const own = await newKey(shop)
    const token = mnsClient(engine.base, await tokenFor({ MessageType: 'SecretReport' }, own))
    await tellShop(2)
    await token.receiveMessage(ends)
    await mnsClient(engine.base, own).receiveMessage(ends)
    const operator = asker(engine.base, engine.adminToken)
    const { json } = await operator('GET', `/v1/audit?accountId=${shop}&actor=${own.id}`)
    const items = json['items'] as { action: string }[]
    expect(items.filter(({ action }) => action === 'ReadReceiptQueue')).toEqual([
      expect.objectContaining({ subjects: [ends], status: 200 }),
    ])
  })

  test('a token ends with the access key that it was made with', async () => {
    const short = await newKey(shop)
    const token = await tokenFor({ MessageType: 'SecretReport' }, short)
    const client = mnsClient(engine.base, token)
    expect(await refusal(client.receiveMessage(ends))).toBe('MNSMessageNotExistError')
    const operator = asker(engine.base, engine.adminToken)
    const admin = await operator('POST', '/v1/tokens', { accountId: shop, name: 'all', scopes })
    const own = asker(engine.base, String(admin.json['token']))
    await own('POST', `/v1/access-keys/${short.id}/disable`)
    expect(await refusal(client.receiveMessage(ends))).toBe('MNSAccessDeniedError')
  })
})
