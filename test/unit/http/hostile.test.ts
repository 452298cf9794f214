import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anApi, holdsNoSecret, secrets } from './an-app.ts'

const json = { 'content-type': 'application/json' }
const good = {
  poolKey: 'FC100000000000001',
  phoneA: secrets.a,
  phoneB: secrets.b,
  expiresAt: '2030-01-31T23:59:59+08:00',
}

test('a body beyond the limit is not taken in', async () => {
  const { ask } = await anApi()
  const payload = JSON.stringify({ ...good, outId: 'x'.repeat(300_000) })
  const answer = await ask({ method: 'POST', url: '/v1/bindings', headers: json, payload })
  expect(answer.statusCode).toBe(413)
  expect(answer.json()).toMatchObject({ code: 'body-too-large' })
})

test.each([
  ['arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
  ['objects', `${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`],
  ['arrays inside a field', `{"outId":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
  [
    'ten thousand unknown fields',
    `{${Array.from({ length: 10_000 }, (_, at) => `"f${at}":1`).join()}}`,
  ],
  ['a thousand repeated fields', `{${Array.from({ length: 1000 }, () => '"poolKey":1').join()}}`],
])('%s are refused quickly and briefly', async (_what, payload) => {
  const { ask } = await anApi()
  const answer = await ask({ method: 'POST', url: '/v1/bindings', headers: json, payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.body.length).toBeLessThan(20_000)
})

const wrong: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  ' ',
  [],
  {},
  ['+8613812340001'],
  { toString: 'x' },
  "'; drop table binding; --",
  '\u0000',
  'a\u0000b',
  '\ud800',
  '1'.repeat(41),
  '١٢٣٤٥٦٧٨٩٠١',
  '#{7*7}',
  '../../etc/passwd',
  '\r\nSet-Cookie: a=b',
]

test.each(Object.keys(good))('nothing that is wrong for %s is let through', async (field) => {
  const { ask, commands } = await anApi()
  for (const value of wrong) {
    const payload = JSON.stringify({ ...good, [field]: value })
    const answer = await ask({ method: 'POST', url: '/v1/bindings', headers: json, payload })
    expect(answer.statusCode, `${field} ${JSON.stringify(value)}`).toBe(400)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(holdsNoSecret(answer.body)).toBe(true)
  }
  expect(commands).toEqual([])
})

test.each(['x', 'ringSeconds', 'talkSeconds', 'callRestrict', 'recording'])(
  'nor for %s, though it may be left out',
  async (field) => {
    const { ask } = await anApi()
    for (const value of wrong) {
      if (field === 'recording' && typeof value === 'boolean') continue
      const payload = JSON.stringify({ ...good, [field]: value })
      const answer = await ask({ method: 'POST', url: '/v1/bindings', headers: json, payload })
      expect(answer.statusCode, `${field} ${JSON.stringify(value)}`).toBe(400)
    }
  },
)

test('digits that are only written wider are digits', async () => {
  const { ask, commands } = await anApi()
  const payload = { ...good, phoneA: '１３８１２３４０００１' }
  expect((await ask({ method: 'POST', url: '/v1/bindings', payload })).statusCode).toBe(201)
  expect(commands[0]?.a.reveal()).toBe(secrets.a)
})

test('text of other scripts and SQL-like text are text', async () => {
  const { ask, commands } = await anApi()
  for (const outId of [
    "o'; drop table binding; --",
    '订单-７',
    '🚚 α',
    '<script>',
    '%00',
    '{{x}}',
  ]) {
    const answer = await ask({ method: 'POST', url: '/v1/bindings', payload: { ...good, outId } })
    expect(answer.statusCode, outId).toBe(201)
    expect(answer.json().outId).toBe(outId)
    expect(commands.at(-1)?.outId).toBe(outId)
  }
})

test.each([
  "/v1/bindings/1'%20or%20'1'='1",
  '/v1/bindings/..%2f..%2fetc%2fpasswd',
  '/v1/bindings/1%00',
  '/v1/pools/FC1%27',
  '/v1/numbers/%F0%9F%9A%9A',
  '/v1/trunks/A_B',
  `/v1/bindings/${'1'.repeat(150)}`,
  `/v1/pools/${'x'.repeat(10_000)}`,
  '/v1/bindings?poolKey[]=FC100000000000001',
  '/v1/bindings?poolKey=FC100000000000001&poolKey=FC100000000000002',
  '/v1/bindings?__proto__=1',
  '/v1/bindings?constructor=1',
  '/v1/calls?since=yesterday',
  '/v1/calls?since=2030-01-31T00:00:00',
  `/v1/bindings?cursor=${'A'.repeat(600)}`,
])('%s is a clear 4xx', async (url) => {
  const { ask } = await anApi()
  for (const method of ['GET', 'DELETE'] as const) {
    const answer = await ask({ method, url })
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.statusCode).toBeLessThan(500)
    expect(answer.json()).toMatchObject({ status: answer.statusCode })
  }
})

test('whatever JSON is sent, the answer is a binding or a problem, and shows no number', async () => {
  const { ask } = await anApi()
  const field = fc.oneof(
    fc.constantFrom(...Object.keys(good), 'x', 'outId', 'recording', secrets.a, secrets.b.slice(3)),
    fc.string(),
  )
  const body = fc.oneof(
    fc.dictionary(field, fc.oneof(fc.jsonValue(), fc.constantFrom(...Object.values(good)))),
    fc.jsonValue(),
  )
  await fc.assert(
    fc.asyncProperty(body, async (given) => {
      const payload = JSON.stringify(given)
      const answer = await ask({ method: 'POST', url: '/v1/bindings', headers: json, payload })
      expect([201, 400]).toContain(answer.statusCode)
      expect(holdsNoSecret(answer.body)).toBe(true)
    }),
    { numRuns: 300 },
  )
}, 30_000)

test('a number in the name of a field is not repeated', async () => {
  const { ask } = await anApi()
  const payload = { ...good, [secrets.a]: 1, '139 5678 0002': 1, [`tel:${secrets.b}`]: {} }
  const answer = await ask({ method: 'POST', url: '/v1/bindings', payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors).toHaveLength(3)
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test('no answer of any route shows a number in clear', async () => {
  const { ask, lines } = await anApi()
  const asked = [
    ask({ method: 'POST', url: '/v1/bindings', payload: good }),
    ask('/v1/bindings'),
    ask('/v1/bindings/1000000000000001'),
    ask('/v1/calls'),
    ask('/v1/calls?live=true'),
    ask('/v1/calls/0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'),
    ask(`/v1/bindings?x=${encodeURIComponent(secrets.a)}`),
    ask(`/v1/numbers/${secrets.a.slice(3)}`),
    ask(`/v1/${secrets.a.slice(3)}`),
    ask('/metrics'),
    ask('/readyz'),
  ]
  for (const answer of await Promise.all(asked)) {
    expect(holdsNoSecret(answer.body), answer.body).toBe(true)
    expect(holdsNoSecret(JSON.stringify(answer.headers))).toBe(true)
  }
  expect(holdsNoSecret(lines.join(''))).toBe(true)
})
