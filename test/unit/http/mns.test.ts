import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KeyHolder } from '../../../src/accounts/account.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { type MnsDeps, mnsRoutes } from '../../../src/http/mns/mns-routes.ts'
import { GatewayError } from '../../../src/http/rpc/gateway-error.ts'
import { createQueueTokens } from '../../../src/receipts/queue-tokens.ts'
import type { QueueDelivery, ReceiptQueues } from '../../../src/receipts/queues.ts'
import { aVault } from '../../support/call-events.ts'
import { askMns, type HandSigned } from '../../support/queue-ground.ts'
import { portOf } from '../../support/rpc-ground.ts'

const key = { id: 'AKabcdefghijklmnopqrstuv', secret: 'the secret of the key, long enough' }
const phone = '13700137001'
const messages = '/queues/ends/messages'
const malformed = 'InvalidAuthorizationHeader'
let app: FastifyInstance
let base: string
let lines: string[]
let holder: KeyHolder
let now: () => Date
let throttle: MnsDeps['throttle']
/** What the room is asked, without the request's signal. */
let asked: Record<string, unknown>[]
let answer: () => Promise<readonly QueueDelivery[] | undefined>
let close: () => void
let lastSignal: AbortSignal | undefined
let note: (reading: string) => void

const message: QueueDelivery = {
  id: '255',
  body: JSON.stringify({ phone_no: phone, city: '杭州 <&>' }),
  handle: 'a-b-c-d',
  queuedAt: new Date(1_795_485_600_001),
  visibleAt: new Date(1_795_485_630_002),
  firstDequeuedAt: new Date(1_795_485_600_003),
  dequeued: 3,
}

const queues: ReceiptQueues = {
  async receive({ signal, ...rest }) {
    asked.push(rest)
    lastSignal = signal
    return answer()
  },
  async peek(rest) {
    asked.push(rest)
    const { handle: _handle, ...seen } = message
    return [{ ...seen, firstDequeuedAt: undefined }]
  },
  async remove({ handles }) {
    asked.push({ handles })
    return handles.map((handle) => (handle.startsWith('bad') ? 'forged' : 'done'))
  },
  async setVisibility(rest) {
    asked.push(rest)
    return { outcome: 'done', handle: 'new', visibleAt: message.visibleAt }
  },
  attributes: async () => undefined,
  close: () => close(),
}

const tokens = createQueueTokens({
  sql: {
    rows: async <Row>() => [{ name: 'ends' }] as Row[],
    transaction: () => Promise.reject(new Error('not here')),
  },
  vault: aVault(),
  clock: { now: () => now() },
})

beforeEach(async () => {
  lines = []
  asked = []
  now = () => new Date()
  throttle = () => undefined
  answer = async () => [message]
  close = () => undefined
  note = () => undefined
  holder = {
    ...{ keyId: key.id, accountId: 'shop' as AccountId, operator: false, suspended: false },
    ...{ enabled: true, scopes: ['reveal'], addresses: [], secrets: [key.secret] },
  }
  app = fastify({
    handlerTimeout: 200,
    loggerInstance: pino(
      { level: 'trace' },
      { write: (line: string) => void lines.push(line) },
    ) as FastifyBaseLogger,
  })
  await app.register(mnsRoutes, {
    keys: { find: async (id) => (id === holder.keyId ? holder : undefined) },
    ...{ tokens, queues, now: () => now() },
    throttle: (...given) => throttle(...given),
    noteReading: async ({ keyId, queue }) => note(`${keyId} ${queue}`),
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  base = `http://127.0.0.1:${portOf(app)}`
})
afterEach(() => app.close())

const ask = (given: Omit<HandSigned, 'path'> & { path?: string } = {}) =>
  askMns(base, key, { path: messages, ...given })

describe('who may read', () => {
  test('whoever signs with the secret of a key', async () => {
    expect(await ask()).toMatchObject({ status: 200, type: 'text/xml; charset=utf-8' })
    expect(asked).toEqual([{ accountId: 'shop', queue: 'ends', count: 1, waitSeconds: 0 }])
    holder = { ...holder, secrets: ['new', key.secret] }
    expect(await ask()).toMatchObject({ status: 200 })
  })

  test.each<[string, Record<string, string | undefined>, number, string]>([
    ['no Authorization', { authorization: undefined }, 400, 'MissingAuthorizationHeader'],
    ['another scheme', { authorization: 'Bearer x' }, 400, malformed],
    ['half of it', { authorization: 'MNS AKx' }, 400, malformed],
    ['a signature that is none', { authorization: 'MNS a:b' }, 400, malformed],
    ['a long one', { authorization: `MNS a:${'b'.repeat(12_000)}` }, 400, malformed],
    [
      'another’s key',
      { authorization: `MNS AKnobody:${'b'.repeat(27)}=` },
      403,
      'InvalidAccessKeyId',
    ],
    [
      'another signature',
      { authorization: `MNS ${key.id}:${'b'.repeat(27)}=` },
      403,
      'SignatureDoesNotMatch',
    ],
    ['no date', { date: undefined, 'x-mns-date': undefined }, 400, 'MissingDateHeader'],
    ['a date that is none', { date: 'the day after' }, 400, 'InvalidDateHeader'],
    ['another version', { 'x-mns-version': '2014-01-01' }, 400, 'InvalidArgument'],
    ['a token that is none', { 'security-token': 'k1.x' }, 403, 'InvalidSecurityToken'],
    ['a token of 8 kB', { 'security-token': 'x'.repeat(8_000) }, 403, 'InvalidSecurityToken'],
  ])('nobody with %s', async (_why, headers, status, code) => {
    expect(await ask({ headers })).toMatchObject({ status, code })
    expect(asked).toEqual([])
  })

  test.each<[string, Partial<KeyHolder>]>([
    ['is disabled', { enabled: false }],
    ['is of an account that is suspended', { suspended: true }],
    ['lacks the scope', { scopes: ['read', 'bind', 'numbers'] }],
    ['is for other addresses', { addresses: ['192.0.2.0/24'] }],
  ])('not with a key that %s', async (_why, change) => {
    holder = { ...holder, ...change }
    expect(await ask()).toMatchObject({ status: 403, code: 'AccessDenied' })
  })

  test('with a date up to 15 minutes off, either way', async () => {
    for (const [minutes, status] of [
      [14, 200],
      [-14, 200],
      [16, 408],
      [-16, 408],
    ] as const) {
      now = () => new Date(Date.now() + minutes * 60_000)
      expect((await ask()).status).toBe(status)
    }
    expect((await ask()).code).toBe('TimeExpired')
  })

  test('the date may stand in x-mns-date alone, and what is signed may not be changed', async () => {
    expect((await ask({ headers: { date: undefined } })).status).toBe(200)
    const path = `${messages}?waitseconds=1`
    const { status } = await askMns(base, { ...key, secret: `${key.secret}&` }, { path })
    expect(status).toBe(403)
  })

  test('no faster than its limit', async () => {
    throttle = (id, _action, perSecondMax) => {
      throw new GatewayError(400, 'Throttling.User', `${id} ${perSecondMax}`)
    }
    expect(await ask()).toMatchObject({ status: 400, code: 'QpsLimitExceeded' })
    expect(asked).toEqual([])
  })
})

describe('a token', () => {
  const issued = () =>
    tokens.issue({
      ...{ accountId: 'shop' as AccountId, accessKeyId: key.id },
      ...{ messageType: 'SecretReport', queue: undefined },
    })
  const askWith = (
    token: { keyId: string; secret: string; securityToken: string },
    path = messages,
  ) =>
    askMns(
      base,
      { id: token.keyId, secret: token.secret },
      {
        path,
        headers: { 'security-token': token.securityToken },
      },
    )

  test('is good for its queue, for an hour', async () => {
    const token = await issued()
    expect((await askWith(token)).status).toBe(200)
    expect(await askWith(token, '/queues/more/messages')).toMatchObject({ code: 'AccessDenied' })
    const expired = { status: 403, code: 'SecurityTokenExpired' }
    const later = Date.now() + 3_600_000
    now = () => new Date(later)
    const date = now().toUTCString()
    const headers = { date, 'x-mns-date': date, 'security-token': token.securityToken }
    expect(
      await askMns(base, { id: token.keyId, secret: token.secret }, { path: messages, headers }),
    ).toMatchObject(expired)
  })

  test('of another, a changed one, and the key’s own secret are refused', async () => {
    const [token, other] = [await issued(), await issued()]
    const wrong = { status: 403, code: 'InvalidSecurityToken' }
    expect(await askWith({ ...token, securityToken: other.securityToken })).toMatchObject(wrong)
    const changed = `${token.securityToken.slice(0, -2)}AA`
    expect(await askWith({ ...token, securityToken: changed })).toMatchObject(wrong)
    expect(await askWith({ ...token, secret: key.secret })).toMatchObject({
      code: 'SignatureDoesNotMatch',
    })
  })

  test('goes with the key that it was made with', async () => {
    const token = await issued()
    holder = { ...holder, keyId: 'AKanother' }
    expect(await askWith(token)).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' })
  })
})

describe('what is asked', () => {
  test.each<[string, Record<string, unknown>]>([
    ['', { count: 1, waitSeconds: 0 }],
    ['?waitseconds=30', { count: 1, waitSeconds: 30 }],
    ['?numOfMessages=16&waitseconds=0', { count: 16, waitSeconds: 0 }],
    ['?NUMOFMESSAGES=2', { count: 2, waitSeconds: 0 }],
    ['?numOfMessages=2&Unknown=x', { count: 2, waitSeconds: 0 }],
  ])('messages%s', async (query, wanted) => {
    expect((await ask({ path: messages + query })).status).toBe(200)
    expect(asked).toEqual([{ accountId: 'shop', queue: 'ends', ...wanted }])
  })

  test.each([
    ['?numOfMessages=0', 'InvalidArgument'],
    ['?numOfMessages=17', 'InvalidArgument'],
    ['?numOfMessages=1e1', 'InvalidArgument'],
    ['?waitseconds=31', 'InvalidArgument'],
    ['?waitseconds=-1', 'InvalidArgument'],
    ['?waitseconds=1&WaitSeconds=2', 'InvalidQueryString'],
  ])('not messages%s', async (query, code) => {
    expect(await ask({ path: messages + query })).toMatchObject({ status: 400, code })
    expect(asked).toEqual([])
  })

  test('visibility needs a handle and 1 to 43200 seconds', async () => {
    const put = (query: string) => ask({ method: 'PUT', path: `${messages}?${query}` })
    expect((await put('receiptHandle=a&visibilityTimeout=43200')).xml).toContain(
      '<ReceiptHandle>new</ReceiptHandle><NextVisibleTime>1795485630002</NextVisibleTime>',
    )
    expect((await put('visibilityTimeout=1')).code).toBe('MissingReceiptHandle')
    expect((await put('receiptHandle=a')).code).toBe('MissingVisibilityTimeout')
    expect((await put('receiptHandle=a&visibilityTimeout=0')).code).toBe('InvalidArgument')
    expect((await put('receiptHandle=a&visibilityTimeout=43201')).code).toBe('InvalidArgument')
  })

  test('a HEAD takes no messages', async () => {
    expect((await ask({ method: 'HEAD' })).status).toBe(404)
    expect(asked).toEqual([])
  })
})

describe('answers', () => {
  test('a message, by the exact names', async () => {
    const body = Buffer.from(message.body).toString('base64')
    const { xml } = await ask()
    expect(xml).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?><Message xmlns="http:\/\/mns.al/)
    expect(xml).toContain(
      `<MessageId>00000000000000FF</MessageId><ReceiptHandle>a-b-c-d</ReceiptHandle><MessageBody>${body}</MessageBody>`,
    )
    expect(xml).toContain(
      '<EnqueueTime>1795485600001</EnqueueTime><NextVisibleTime>1795485630002</NextVisibleTime><FirstDequeueTime>1795485600003</FirstDequeueTime><DequeueCount>3</DequeueCount><Priority>8</Priority></Message>',
    )
  })

  test('are noted before they are shown, and not shown when they cannot be', async () => {
    const noted: string[] = []
    note = (reading) => void noted.push(reading)
    await ask()
    answer = async () => []
    await ask()
    await ask({ path: `${messages}?peekonly=true` })
    expect(noted).toEqual([`${key.id} ends`, `${key.id} ends`])
    answer = async () => [message]
    note = () => {
      throw new DomainError('database-away', 503, 'Try again shortly.')
    }
    const refused = await ask()
    expect(refused).toMatchObject({ status: 503, code: 'InternalError' })
    expect(refused.xml).not.toContain('MessageBody')
  })

  test('one that was only looked at has no handle', async () => {
    const { xml } = await ask({ path: `${messages}?peekonly=true` })
    expect(xml).not.toMatch(/ReceiptHandle|NextVisibleTime/)
  })

  test('nothing there, no queue, and a room that is away', async () => {
    answer = async () => []
    const nothing = await ask()
    expect(nothing).toMatchObject({ status: 404, code: 'MessageNotExist' })
    expect(nothing.xml).toMatch(
      /<Error xmlns="[^"]+"><Code>[^<]+<\/Code><Message>[^<]+<\/Message><RequestId>[0-9A-F]{24}<\/RequestId><HostId>http:\/\/127[^<]+<\/HostId><\/Error>$/,
    )
    answer = async () => undefined
    expect(await ask()).toMatchObject({ status: 404, code: 'QueueNotExist' })
    expect(await ask({ path: '/queues/ends' })).toMatchObject({ code: 'QueueNotExist' })
    answer = async () => {
      throw new DomainError('database-away', 503, 'Try again shortly.')
    }
    expect(await ask()).toMatchObject({ status: 503, code: 'InternalError' })
    answer = async () => {
      throw new Error(`${phone} was in it`)
    }
    const broken = await ask()
    expect(broken).toMatchObject({ status: 500, code: 'InternalError' })
    expect(broken.xml).not.toContain(phone)
  })
})

const listOf = (...handles: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?><ReceiptHandles xmlns="http://mns.aliyuncs.com/doc/v1/">${handles
    .map((each) => `<ReceiptHandle>${each}</ReceiptHandle>`)
    .join('')}</ReceiptHandles>`

describe('deleting a batch', () => {
  const remove = (body: string) => ask({ method: 'DELETE', body })

  test('with line breaks, a byte order mark and without a declaration', async () => {
    const plain = '<ReceiptHandles>\n  <ReceiptHandle> a </ReceiptHandle>\r\n</ReceiptHandles>\n'
    for (const body of [listOf('a'), plain, `\uFEFF${plain}`]) {
      expect((await remove(body)).status).toBe(204)
      expect(asked.pop()).toEqual({ handles: ['a'] })
    }
  })

  test('not with what is no list of handles', async () => {
    expect(await remove('<Other/>')).toMatchObject({ status: 400, code: 'MalformedXML' })
    expect(asked).toEqual([])
  })

  test('not with a body that is huge', async () => {
    const answered = await remove(listOf('a'.repeat(70_000)))
    expect(answered).toMatchObject({ status: 400, code: 'InvalidArgument' })
  })
})

test('a reader may wait longer than other requests may take', async () => {
  answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 500))
    return [message]
  }
  expect(await ask({ path: `${messages}?waitseconds=30` })).toMatchObject({ status: 200 })
})

test('a reader that has gone is not waited for', async () => {
  const gone = new AbortController()
  answer = () => new Promise((resolve) => lastSignal?.addEventListener('abort', () => resolve([])))
  const waiting = ask({ path: `${messages}?waitseconds=30`, signal: gone.signal })
  await expect.poll(() => asked.length).toBe(1)
  gone.abort()
  await expect(waiting).rejects.toThrow()
  await expect.poll(() => lastSignal?.aborted).toBe(true)
})

test('readers that wait are sent away when the server stops', async () => {
  let sent: (() => void) | undefined
  answer = () =>
    new Promise((resolve) => {
      sent = () => resolve([])
    })
  close = () => sent?.()
  const waiting = ask({ path: `${messages}?waitseconds=30` })
  await expect.poll(() => sent).toBeDefined()
  await app.close()
  expect(await waiting).toMatchObject({ status: 404, code: 'MessageNotExist' })
})

test('neither bodies nor handles nor secrets nor numbers stand in the log', async () => {
  await ask()
  await ask({ path: `${messages}?ReceiptHandle=${phone}`, method: 'DELETE' })
  await ask({ path: `/queues/${phone}/messages` })
  await askMns(base, { ...key, secret: 'wrong' }, { path: `${messages}?ReceiptHandle=${phone}` })
  const log = lines.filter((line) => !line.includes('incoming request')).join('')
  for (const secret of [phone, key.secret, Buffer.from(message.body).toString('base64')]) {
    expect(log).not.toContain(secret)
  }
})
