import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import type { AuditFilter } from '../../../src/accounts/audit.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { AccountId } from '../../../src/domain/ids.ts'
import { scopes } from '../../../src/domain/scope.ts'
import { aCall, account, anApi, holdsNoSecret, token } from './an-app.ts'

/** The audit log stands for every list here. */
const header = 'id,at,actor,action,subjects,status,requestId,address'

/** The API on a list of so many entries, in pages. */
async function anApiWith(count: number, given: { address?: string; failsAt?: number } = {}) {
  const asked: AuditFilter[] = []
  const list = async (filter: AuditFilter) => {
    asked.push(filter)
    // As rooms do, which ask a database.
    await new Promise((resolve) => setImmediate(resolve))
    const from = Number(filter.cursor ?? 0)
    if (from === given.failsAt) throw new DomainError('database-away', 503, 'It is away.')
    const to = Math.min(from + (filter.limit ?? 50), count)
    const items = Array.from({ length: to - from }, (_, at) => ({
      ...{
        id: String(from + at + 1),
        accountId: account,
        at: new Date('2030-01-30T02:00:00.250Z'),
      },
      ...{ actor: 'admin', action: 'lockNumber', subjects: ['+8617012345678'], status: undefined },
      ...{ requestId: 'r-1', address: given.address ?? '::1' },
    }))
    return { items, nextCursor: to < count ? String(to) : undefined }
  }
  return { ...(await anApi({ rooms: { audit: { list } as never } })), asked }
}

test('a list is to be had as CSV, all pages of it', async () => {
  const { ask, asked } = await anApiWith(450)
  const answer = await ask('/v1/audit?format=csv&action=lockNumber')
  expect(answer.statusCode).toBe(200)
  expect(answer.headers).toMatchObject({
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': 'attachment; filename="audit.csv"',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  const lines = answer.body.split('\r\n')
  expect(lines).toHaveLength(450 + 2)
  expect(lines[0]).toBe(header)
  expect(lines[1]).toBe(
    '1,2030-01-30T02:00:00.250Z,admin,lockNumber,"[""+8617012345678""]",,r-1,::1',
  )
  expect(lines[450]).toMatch(/^450,/)
  expect(lines.at(-1)).toBe('')
  expect(asked.map(({ limit, cursor }) => [limit, cursor])).toEqual([
    [200, undefined],
    [200, '200'],
    [200, '400'],
  ])
  expect(new Set(asked.map((each) => each.action))).toEqual(new Set(['lockNumber']))
})

test.each([
  ['text/csv', true],
  ['text/csv; q=0.9, */*; q=0.1', true],
  ['application/json, text/csv', false],
  ['*/*', false],
])('Accept: %s', async (accept, csv) => {
  const { ask } = await anApiWith(1)
  const answer = await ask({ url: '/v1/audit', headers: { accept } })
  expect(answer.headers['content-type']).toContain(csv ? 'text/csv' : 'application/json')
  const json = await ask({ url: '/v1/audit?format=json', headers: { accept } })
  expect(json.json()).toMatchObject({ items: [{ id: '1' }] })
})

test('limit and cursor hold for CSV as well, and a byte order mark is there for those who ask', async () => {
  const { ask } = await anApiWith(1000)
  const answer = await ask('/v1/audit?format=csv&limit=3&cursor=5&bom=true')
  expect(answer.rawPayload.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]))
  const ids = answer.body.split('\r\n').map((line) => line.split(',')[0])
  expect(ids.slice(1)).toEqual(['6', '7', '8', ''])
})

test.each([
  ['=HYPERLINK("http://x")', '"\'=HYPERLINK(""http://x"")"'],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['+1+cmd', "'+1+cmd"],
  ['-2+3', "'-2+3"],
  ['＝1+1', "'＝1+1"],
  ['+8617000000001', '+8617000000001'],
  ['-5', '-5'],
  ['a,b "c"', '"a,b ""c"""'],
])('what somebody wrote is quoted and cannot be run: %s', async (address, cell) => {
  const { ask } = await anApiWith(1, { address })
  const answer = await ask('/v1/audit?format=csv')
  expect(answer.body.endsWith(`,r-1,${cell}\r\n`)).toBe(true)
})

test('an empty list is its header', async () => {
  const { ask } = await anApiWith(0)
  expect((await ask('/v1/audit?format=csv')).body).toBe(`${header}\r\n`)
})

test('HEAD gives the headers only', async () => {
  const { ask } = await anApiWith(500)
  const answer = await ask({ method: 'HEAD', url: '/v1/audit?format=csv' })
  expect(answer.headers['content-type']).toContain('text/csv')
  expect(answer.body).toBe('')
})

test('a first page that is refused is a problem as ever', async () => {
  const { ask } = await anApiWith(10, { failsAt: 0 })
  const answer = await ask('/v1/audit?format=csv')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({ code: 'database-away' })
})

test('an export that fails on the way does not look like a whole one', async () => {
  const { app, lines } = await anApiWith(1000, { failsAt: 400 })
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(`${base}/v1/audit?format=csv`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(answer.status).toBe(200)
  await expect(answer.text()).rejects.toThrow()
  expect(lines.join('')).toContain('export was cut off')
})

test('nobody reads on for a client that has left', async () => {
  const { app, asked } = await anApiWith(500_000)
  const base = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const socket = connect(Number(base.port), base.hostname)
  socket.write(
    `GET /v1/audit?format=csv HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
  )
  await new Promise((resolve) => socket.once('data', resolve))
  socket.destroy()
  // Closing waits for running requests: an export that went on would hold it.
  await app.close()
  expect(asked.length).toBeLessThan(2_000)
}, 20_000)

test('call records are to be had as CSV, of one pool, masked', async () => {
  const asked: object[] = []
  const list = async (filter: object) => {
    asked.push(filter)
    return { items: [aCall()], nextCursor: undefined }
  }
  const { ask } = await anApi({ rooms: { callRecords: { list, get: async () => undefined } } })
  const answer = await ask('/v1/calls?format=csv&poolKey=FC100000000000001')
  expect(asked).toMatchObject([{ poolKey: 'FC100000000000001' }])
  const [head, line] = answer.body.split('\r\n')
  expect(head).toMatch(/^id,callTime,x,poolKey,/)
  expect(line).toContain(',138****0001,139****0002,A,false,0,OK,')
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test('one account has two exports at a time, and another does not wait for them', async () => {
  let go = () => {}
  const going = new Promise<void>((resolve) => {
    go = resolve
  })
  let started = 0
  const list = async () => {
    started += 1
    await going
    return { items: [], nextCursor: undefined }
  }
  const { ask } = await anApi({
    rooms: { audit: { list } as never },
    authenticate: (given) => ({
      ...{ accountId: given as AccountId, tokenId: given, operator: false, scopes },
    }),
  })
  const asked = (who: string) =>
    ask({ url: '/v1/audit?format=csv', headers: { authorization: `Bearer ${who}` } })
  const running = [asked('one'), asked('one')]
  await vi.waitFor(() => expect(started).toBe(2))
  const refused = await asked('one')
  expect(refused.json()).toMatchObject({ status: 429, code: 'exports-busy' })
  expect(refused.headers['retry-after']).toBe('5')
  const other = asked('two')
  go()
  const answers = await Promise.all([...running, other])
  expect(answers.map((each) => each.statusCode)).toEqual([200, 200, 200])
  expect((await asked('one')).statusCode).toBe(200)
})
