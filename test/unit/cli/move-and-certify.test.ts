import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, problem } from './a-cli.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'axb-cli-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

const answering = (body: object) => ({ answer: () => Response.json(body) })
const pools = ['--from', 'FC100000000000001', '--to', 'FC100000000000002']

const run = {
  id: '1000000001',
  createdAt: '2030-01-30T02:00:00Z',
  fromPoolKey: 'FC100000000000001',
  fromPoolName: 'Couriers',
  toPoolKey: 'FC100000000000002',
  toPoolName: 'Drivers',
  asked: 2,
  succeeded: 1,
  numbers: [
    { x: '+8617000000001', city: '杭州', result: 'moved' },
    { x: '+8617000000002', result: 'bound', reason: 'It has a binding.' },
  ],
}

const certifier = {
  id: '1000000001',
  phone: '138****0001',
  numbers: 2,
  check: 'waiting',
  certified: false,
  link: {
    url: 'https://privacy.example.com/certify/a-token',
    expiresAt: '2030-03-01T02:00:00Z',
    svg: '<svg/>',
    png: Buffer.from('a picture').toString('base64'),
  },
}

test('move run sends what was asked, with a key, and says what stayed', async () => {
  const any = await cli(
    ['move', 'run', ...pools, '--count', '20', '--city', '杭州', '--key', 'k'],
    answering(run),
  )
  expect(any.code).toBe(0)
  expect(any.asked[0]).toMatchObject({
    method: 'POST',
    body: {
      fromPoolKey: 'FC100000000000001',
      toPoolKey: 'FC100000000000002',
      count: 20,
      city: '杭州',
    },
  })
  expect(any.asked[0]?.headers['idempotency-key']).toBe('k')
  expect(any.out).toContain('Run 1000000001: 1 of 2 numbers moved to FC100000000000002.')
  expect(any.out).toContain('+8617000000002')
  expect(any.out).not.toContain('+8617000000001')

  const file = join(folder, 'numbers')
  await writeFile(file, '17000000002\n\n 17000000003 \r\n')
  const listed = await cli(['move', 'run', ...pools, '17000000001', '--file', file], answering(run))
  expect(listed.asked[0]?.body).toMatchObject({
    numbers: ['17000000001', '17000000002', '17000000003'],
  })
  expect(listed.asked[0]?.headers['idempotency-key']).toMatch(/^[\da-f-]{36}$/)
})

test('move run wants to know which numbers, once', async () => {
  for (const which of [[], ['--count', '1', '17000000001'], ['--file', join(folder, 'absent')]]) {
    const { code, err, asked } = await cli(['move', 'run', ...pools, ...which])
    expect(code).toBe(1)
    expect(err).toMatch(/either --count|cannot be read/)
    expect(asked).toEqual([])
  }
})

test('move list and show are tables, or JSON', async () => {
  const list = await cli(['move', 'list', '--x', '17000000001'], answering({ items: [run] }))
  expect(list.asked[0]?.url).toContain('/v1/number-migrations?x=17000000001&limit=50')
  expect(list.out).toContain('Couriers (FC100000000000001)')
  expect(list.out).toContain('1/2')
  const shown = await cli(
    ['move', 'show', '1000000001', '--result', 'bound'],
    answering({ items: run.numbers, nextCursor: 'bmV4dA' }),
  )
  expect(shown.asked[0]?.url).toContain('/v1/number-migrations/1000000001/numbers?result=bound')
  expect(shown.out).toContain('It has a binding.')
  expect(shown.out).toContain('More: --cursor bmV4dA')
  const json = await cli(['move', 'list', '--json'], answering({ items: [] }))
  expect(JSON.parse(json.out)).toEqual({ items: [] })
})

test('certify add shows the code, or writes it for its owner only', async () => {
  const shown = await cli(
    ['certify', 'add', '--phone', '13800000001', '--pool', 'FC100000000000001'],
    answering(certifier),
  )
  expect(shown.asked[0]).toMatchObject({
    method: 'POST',
    body: { phone: '13800000001', poolKey: 'FC100000000000001' },
  })
  expect(shown.out).toContain('138****0001')
  expect(shown.out).toContain('▄')
  expect(shown.out).toContain(certifier.link.url)

  const [png, svg] = [join(folder, 'code.png'), join(folder, 'code.svg')]
  const written = await cli(
    ['certify', 'link', '1000000001', '--png', png, '--svg', svg],
    answering(certifier),
  )
  expect(written.asked[0]?.url).toMatch(/\/v1\/certifiers\/1000000001\/links$/)
  expect(written.out).not.toContain('▄')
  expect(await readFile(png, 'utf8')).toBe('a picture')
  expect(await readFile(svg, 'utf8')).toBe('<svg/>')
  expect((await stat(png)).mode & 0o777).toBe(0o600)
})

test('certify add wants to know for which numbers', async () => {
  const { code, err } = await cli(['certify', 'add', '--phone', '13800000001'])
  expect(code).toBe(1)
  expect(err).toContain('either --pool or the numbers themselves')
})

test('certify list, numbers and remove', async () => {
  const items = [{ ...certifier, certified: true, certifiedUntil: '2031-01-01T00:00:00Z' }]
  const list = await cli(['certify', 'list', '--check', 'approved'], answering({ items }))
  expect(list.out).toContain('until 2031-01-01T00:00:00Z')
  const numbers = [{ x: '+8617000000001', poolKey: 'FC100000000000001', certified: true }]
  const shown = await cli(['certify', 'numbers', '1000000001'], answering({ items: numbers }))
  expect(shown.out).toMatch(/\+8617000000001 +FC100000000000001 +yes/)
  const removed = await cli(['certify', 'remove', '1000000001'], {
    answer: () => new Response(null, { status: 204 }),
  })
  expect(removed.asked[0]?.method).toBe('DELETE')
  expect(removed.out).toBe('Certifier 1000000001 is gone.\n')
})

test('the operator lists, reads, approves and refuses', async () => {
  const review = {
    id: '1000000001',
    accountName: 'Main account',
    numbers: 2,
    state: 'approved',
    createdAt: '2030-01-30T02:00:00Z',
  }
  const list = await cli(['certify', 'reviews'], answering({ items: [review] }))
  expect(list.asked[0]?.url).toContain('state=pending')
  expect(list.out).toContain('Main account')
  const opened = await cli(['certify', 'review', '1000000001'], answering(review))
  expect(JSON.parse(opened.out)).toEqual(review)
  const until = '2031-01-31T23:59:59+08:00'
  const approved = await cli(
    ['certify', 'approve', '1000000001', '--until', until],
    answering(review),
  )
  expect(approved.asked[0]?.body).toEqual({ validUntil: until })
  expect(approved.out).toBe('Review 1000000001: 2 numbers approved.\n')
  const refused = await cli(['certify', 'refuse', '1000000001', '--reason', 'No.'], {
    answer: () => problem(403, { code: 'operator-only', detail: 'Only the operator may do this.' }),
  })
  expect(refused.asked[0]?.body).toEqual({ reason: 'No.' })
  expect(refused.code).toBe(1)
  expect(refused.err).toContain('Only the operator may do this. (operator-only)')
})
