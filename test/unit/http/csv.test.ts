import { connect } from 'node:net'
import { expect, test } from 'vitest'
import type { BindingFilter } from '../../../src/bindings/binding.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { BindingId } from '../../../src/domain/ids.ts'
import { aBinding, anApi, holdsNoSecret, token } from './an-app.ts'

const header =
  'id,poolKey,product,x,phoneA,phoneB,status,expiresAt,createdAt,endedAt,recording,callRestrict,outId'

/** The API on a list of so many bindings, in pages. */
async function anApiWith(count: number, given: { outId?: string; failsAt?: number } = {}) {
  const asked: BindingFilter[] = []
  const list = async (filter: BindingFilter) => {
    asked.push(filter)
    const from = Number(filter.cursor ?? 0)
    if (from === given.failsAt) throw new DomainError('database-away', 503, 'It is away.')
    const to = Math.min(from + (filter.limit ?? 50), count)
    const items = Array.from({ length: to - from }, (_, at) =>
      aBinding({ id: String(from + at + 1) as BindingId, outId: given.outId }),
    )
    return { items, nextCursor: to < count ? String(to) : undefined }
  }
  const refuse = () => Promise.reject(new Error('not in this test'))
  const bindings = { bind: refuse, unbind: refuse, get: refuse, list } as never
  return { ...(await anApi({ rooms: { bindings } })), asked }
}

test('a list is to be had as CSV, all pages of it, masked as ever', async () => {
  const { ask, asked } = await anApiWith(450)
  const answer = await ask('/v1/bindings?format=csv&poolKey=FC100000000000001')
  expect(answer.statusCode).toBe(200)
  expect(answer.headers).toMatchObject({
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': 'attachment; filename="bindings.csv"',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  const lines = answer.body.split('\r\n')
  expect(lines).toHaveLength(450 + 2)
  expect(lines[0]).toBe(header)
  expect(lines[1]).toBe(
    '1,FC100000000000001,AXB,+8617012345678,138****0001,139****0002,live,2030-01-31T15:59:59Z,2030-01-30T02:00:00.250Z,,,,',
  )
  expect(lines[450]).toMatch(/^450,/)
  expect(lines.at(-1)).toBe('')
  expect(asked.map(({ limit, cursor }) => [limit, cursor])).toEqual([
    [200, undefined],
    [200, '200'],
    [200, '400'],
  ])
  expect(new Set(asked.map((each) => each.poolKey))).toEqual(new Set(['FC100000000000001']))
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test.each([
  ['text/csv', true],
  ['text/csv; q=0.9, */*; q=0.1', true],
  ['application/json, text/csv', false],
  ['*/*', false],
])('Accept: %s', async (accept, csv) => {
  const { ask } = await anApiWith(1)
  const answer = await ask({ url: '/v1/bindings', headers: { accept } })
  expect(answer.headers['content-type']).toContain(csv ? 'text/csv' : 'application/json')
  const json = await ask({ url: '/v1/bindings?format=json', headers: { accept } })
  expect(json.json()).toMatchObject({ items: [{ id: '1' }] })
})

test('limit and cursor hold for CSV as well, and a byte order mark is there for those who ask', async () => {
  const { ask } = await anApiWith(1000)
  const answer = await ask('/v1/bindings?format=csv&limit=3&cursor=5&bom=true')
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
])('what somebody wrote is quoted and cannot be run: %s', async (outId, cell) => {
  const { ask } = await anApiWith(1, { outId })
  const answer = await ask('/v1/bindings?format=csv')
  expect(answer.body.endsWith(`,,,${cell}\r\n`)).toBe(true)
})

test('an empty list is its header', async () => {
  const { ask } = await anApiWith(0)
  expect((await ask('/v1/bindings?format=csv')).body).toBe(`${header}\r\n`)
})

test('HEAD gives the headers only', async () => {
  const { ask } = await anApiWith(500)
  const answer = await ask({ method: 'HEAD', url: '/v1/bindings?format=csv' })
  expect(answer.headers['content-type']).toContain('text/csv')
  expect(answer.body).toBe('')
})

test('a first page that is refused is a problem as ever', async () => {
  const { ask } = await anApiWith(10, { failsAt: 0 })
  const answer = await ask('/v1/bindings?format=csv')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({ code: 'database-away' })
})

test('an export that fails on the way does not look like a whole one', async () => {
  const { app, lines } = await anApiWith(1000, { failsAt: 400 })
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(`${base}/v1/bindings?format=csv`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(answer.status).toBe(200)
  await expect(answer.text()).rejects.toThrow()
  expect(lines.join('')).toContain('export was cut off')
})

test('nobody reads on for a client that has left', async () => {
  const { app, asked } = await anApiWith(999_999)
  const base = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const socket = connect(Number(base.port), base.hostname)
  socket.write(
    `GET /v1/bindings?format=csv HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
  )
  await new Promise((resolve) => socket.once('data', resolve))
  socket.destroy()
  // Closing waits for running requests: an export that went on would hold it.
  await app.close()
  expect(asked.length).toBeLessThan(4_000)
})
