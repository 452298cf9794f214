import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { csvParts } from '../../../src/cli/csv-parts.ts'
import { type Asked, cli, problem } from './a-cli.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'axb-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function fileOf(text: string | Buffer): Promise<string> {
  const file = join(folder, 'numbers.csv')
  await writeFile(file, text)
  return file
}

const answer = (body: object) => new Response(JSON.stringify(body), { status: 200 })
const good = { lines: 2, added: 2, unchanged: 0, faulty: 0, faults: [] }

describe('a file in parts', () => {
  const partsOf = async (chunks: readonly string[], linesPerPart: number) => {
    const file = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk)
    })()
    const parts: [string, number][] = []
    for await (const { bytes, firstLine } of csvParts(file, linesPerPart)) {
      parts.push([Buffer.from(bytes).toString(), firstLine])
    }
    return parts
  }

  test('each begin with the header, and know where they are in it', async () => {
    expect(await partsOf(['h\na\nb', '\nc\nd\n', 'e'], 2)).toEqual([
      ['h\na\nb\n', 2],
      ['h\nc\nd\n', 4],
      ['h\ne', 6],
    ])
  })

  test.each([
    [[], [['', 2]]],
    [['h'], [['h', 2]]],
    [['h\n'], [['h\n', 2]]],
    [['h\na\n'], [['h\na\n', 2]]],
  ])('of %j are %j', async (chunks, parts) => {
    expect(await partsOf(chunks, 1)).toEqual(parts)
  })
})

test('inventory import sends the file as CSV and says what became of it', async () => {
  const file = await fileOf('number,class,city\n17000000001,1,杭州\n17000000002,1,杭州\n')
  const { code, out, asked } = await cli(['inventory', 'import', file], {
    answer: () => answer(good),
  })
  expect(code).toBe(0)
  expect(asked).toHaveLength(1)
  expect(asked[0]).toMatchObject({
    method: 'POST',
    url: 'http://127.0.0.1:8080/v1/inventory/imports?firstLine=2',
    body: expect.stringContaining('17000000002,1,杭州'),
  })
  expect(asked[0]?.headers['content-type']).toBe('text/csv')
  expect(out).toBe('2 added, 0 were there already.\n')
})

test('a long file goes in parts, and their results are added up', async () => {
  const lines = Array.from(
    { length: 120_000 },
    (_, at) => `170${String(at).padStart(8, '0')},1,杭州`,
  )
  const file = await fileOf(`number,class,city\n${lines.join('\n')}\n`)
  const countLines = ({ body }: Asked) => {
    const count = String(body).trim().split('\n').length - 1
    return answer({ lines: count, added: count, unchanged: 0, faulty: 0, faults: [] })
  }
  const { out, asked } = await cli(['inventory', 'import', file, '--json'], { answer: countLines })
  expect(asked.map(({ url }) => new URL(url).search)).toEqual([
    '?firstLine=2',
    '?firstLine=50002',
    '?firstLine=100002',
  ])
  expect(JSON.parse(out)).toMatchObject({ lines: 120_000, added: 120_000 })
})

test('faulty lines are named, and the command fails', async () => {
  const file = await fileOf('number,class,city\nnone,1,杭州\n')
  const faults = [{ line: 2, detail: 'number: not a phone number' }]
  const faulty = { lines: 2, added: 0, unchanged: 0, faulty: 2, faults }
  const { code, out, err } = await cli(['inventory', 'import', file], {
    answer: () => answer(faulty),
  })
  expect(code).toBe(1)
  expect(out).toContain('line 2: number: not a phone number\nand 1 more faulty lines\n')
  expect(err).toContain('2 lines were not taken in')
})

test('an import that breaks off says what is in', async () => {
  const missing = await cli(['inventory', 'import', join(folder, 'nothing.csv')])
  expect(missing.err).toContain('there is no file')
  const lines = Array.from({ length: 60_000 }, () => '17000000001,1,杭州')
  const file = await fileOf(`number,class,city\n${lines.join('\n')}\n`)
  let parts = 0
  const { code, err } = await cli(['inventory', 'import', file], {
    answer: () => {
      parts += 1
      return parts === 1
        ? answer({ ...good, lines: 50_000 })
        : problem(503, { code: 'database-away', detail: 'The database cannot be reached.' })
    },
  })
  expect(code).toBe(1)
  expect(err).toContain('the first 50000 lines are in, import the file again')
})

test('inventory list, counts, remove and restore', async () => {
  const number = { x: '+8617000000001', class: 1, city: '杭州', state: 'free' }
  const listed = await cli(['inventory', 'list', '--city', '杭州', '--class', '1'], {
    answer: () => answer({ items: [number], nextCursor: 'abc' }),
  })
  expect(listed.out).toMatch(/\+8617000000001\s+1\s+杭州\s+free[\s\S]*More: --cursor abc/)
  expect(new URL(listed.asked[0]?.url ?? '').searchParams.get('city')).toBe('杭州')
  const counts = { class: 1, city: '杭州', free: 5, sold: 2, returned: 1, withdrawn: 0 }
  const counted = await cli(['inventory', 'counts'], { answer: () => answer({ items: [counts] }) })
  expect(counted.out).toMatch(/1\s+杭州\s+5\s+2\s+1\s+0/)
  const removed = await cli(['inventory', 'remove', '+8617000000001'], {
    answer: () => new Response(null, { status: 204 }),
  })
  expect(removed.asked[0]).toMatchObject({
    method: 'DELETE',
    url: expect.stringContaining('/v1/inventory/%2B8617000000001'),
  })
  const restored = await cli(['inventory', 'restore', '17000000001'], {
    answer: () => answer(number),
  })
  expect(restored.out).toBe('+8617000000001 can be bought.\n')
})

const wish = ['--product', 'AXB', '--class', '1', '--city', '杭州', '--quantity', '2']

test('numbers buy shows the price first, and buys with it', async () => {
  const quote = {
    quantity: 2,
    monthlyRent: '5.00',
    price: '10.00',
    left: 7,
    balance: '12.50',
    affordable: true,
  }
  const shown = await cli(['numbers', 'buy', ...wish], { answer: () => answer(quote) })
  expect(shown.asked[0]).toMatchObject({
    url: 'http://127.0.0.1:8080/v1/orders/quote',
    body: { product: 'AXB', class: 1, city: '杭州', quantity: 2 },
  })
  expect(shown.out).toContain('2 numbers cost 10.00 yuan now')
  expect(shown.out).toContain('The balance is 12.50 yuan.')
  expect(shown.out).toContain('To buy, add --price 10.00')
  const dear = { ...quote, affordable: false }
  const refused = await cli(['numbers', 'buy', ...wish], { answer: () => answer(dear) })
  expect(refused.out).toContain('cannot be bought now')

  const order = {
    id: '1000000001',
    poolKey: 'FC100000000000001',
    quantity: 2,
    price: '10.00',
    numbers: ['+8617000000001', '+8617000000002'],
  }
  const bought = await cli(['numbers', 'buy', ...wish, '--price', '10.00', '--key', 'k-1'], {
    answer: () => answer(order),
  })
  expect(bought.asked[0]).toMatchObject({
    url: 'http://127.0.0.1:8080/v1/orders',
    body: { quantity: 2, expectedPrice: '10.00' },
  })
  expect(bought.asked[0]?.headers['idempotency-key']).toBe('k-1')
  expect(bought.out).toMatch(/^\+8617000000001\n\+8617000000002\nOrder 1000000001: 2 numbers/)
})

test('numbers cities and orders', async () => {
  const cities = { left: 8, items: [{ city: '杭州', province: '浙江', left: 8 }] }
  const shown = await cli(['numbers', 'cities', '--class', '2', '--all'], {
    answer: () => answer(cities),
  })
  expect(shown.out).toMatch(/8\s+杭州\s+浙江\n8 in all\./)
  expect(shown.asked[0]?.url).toContain('/v1/cities?class=2&all=true')
  const order = {
    id: '1000000001',
    createdAt: '2030-01-30T02:00:00Z',
    poolKey: 'FC100000000000001',
    product: 'AXB',
    class: 1,
    city: '杭州',
    quantity: 20,
    price: '100.00',
  }
  const orders = await cli(['numbers', 'orders'], { answer: () => answer({ items: [order] }) })
  expect(orders.out).toMatch(/1000000001\s+2030-01-30T02:00:00Z\s+FC100000000000001\s+AXB/)
})

test('numbers list shows the totals and the numbers', async () => {
  const number = {
    x: '+8617000000001',
    product: 'AXB',
    class: 1,
    city: '杭州',
    state: 'normal',
    bindings: 1,
    moreBindings: 199,
  }
  const totals = { numbers: 20, bound: 3, bindings: 40, moreBindings: 3960 }
  const { out } = await cli(['numbers', 'list', '--product', 'AXB'], {
    answer: ({ url }) => answer(url.includes('totals') ? totals : { items: [number] }),
  })
  expect(out).toContain('20 numbers, 3 of them bound; 3960 more bindings fit.')
  expect(out).toMatch(/\+8617000000001\s+AXB\s+1\s+杭州\s+normal\s+1\/200/)
})

test.each([
  [['lock', '17000000001'], 'POST', '/v1/numbers/17000000001/lock'],
  [['unlock', '17000000001'], 'POST', '/v1/numbers/17000000001/unlock'],
  [['freeze', '17000000001'], 'POST', '/v1/numbers/17000000001/freeze'],
  [['fault', '17000000001'], 'POST', '/v1/numbers/17000000001/fault'],
  [['resume', '17000000001'], 'POST', '/v1/numbers/17000000001/resume'],
  [['note', '17000000001', 'spare'], 'PATCH', '/v1/numbers/17000000001'],
  [['get', '17000000001'], 'GET', '/v1/numbers/17000000001'],
  [['release', '17000000001'], 'DELETE', '/v1/numbers/17000000001'],
])('numbers %j asks %s %s', async (args, method, path) => {
  const number = { x: '+8617000000001', state: 'locked' }
  const { code, asked } = await cli(['numbers', ...args], {
    answer: () => (method === 'DELETE' ? new Response(null, { status: 204 }) : answer(number)),
  })
  expect(code).toBe(0)
  expect(asked[0]).toMatchObject({ method, url: `http://127.0.0.1:8080${path}` })
})
