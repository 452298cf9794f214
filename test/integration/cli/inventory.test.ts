import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../../src/cli/program.ts'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'

/** From a file to numbers in a pool and back, with the command line against the running engine. */
let engine: ApiEngine
let folder: string

beforeAll(async () => {
  engine = await startApiEngine()
  folder = await mkdtemp(join(tmpdir(), 'axb-stock-'))
})
afterAll(async () => {
  await engine.stop()
  await rm(folder, { recursive: true, force: true })
})

async function axbridge(...args: string[]) {
  const said = { code: 0, out: '', err: '' }
  const refuse = () => Promise.reject(new Error('not in this test'))
  said.code = await runCli(
    {
      env: {
        AXBRIDGE_API: engine.base,
        AXBRIDGE_ADMIN_TOKEN: engine.adminToken,
        AXBRIDGE_DATA: folder,
      },
      version: '0',
      out: (text) => {
        said.out += text
      },
      err: (text) => {
        said.err += text
      },
      stopped: AbortSignal.abort(),
      fetch,
      serve: refuse,
      migrate: refuse,
      embedded: refuse,
      useEvents: refuse,
      tailCalls: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }),
    },
    args,
  )
  return said
}

test('stock is imported, quoted, bought, listed, released and seen resting', async () => {
  const lines = Array.from(
    { length: 60_000 },
    (_, at) => `170${String(at).padStart(8, '0')},1,${at % 2 === 0 ? '杭州' : '宁波市'}`,
  )
  lines[55_000] = '17000055000,1,三亚'
  const file = join(folder, 'numbers.csv')
  await writeFile(file, `number,class,city\n${lines.join('\n')}\n95013000001,3,\n`)
  const first = await axbridge('inventory', 'import', file)
  expect(first.code).toBe(1)
  expect(first.out).toContain('line 55002: city: not in the list of cities')
  expect(first.out).toContain('60000 added, 0 were there already.')
  lines[55_000] = '17000055000,1,杭州'
  await writeFile(file, `number,class,city\n${lines.join('\n')}\n95013000001,3,\n`)
  const second = await axbridge('inventory', 'import', file)
  expect(second.code).toBe(0)
  expect(second.out).toBe('1 added, 60000 were there already.\n')

  const cities = JSON.parse((await axbridge('numbers', 'cities', '--json')).out)
  expect(cities).toMatchObject({
    left: 60_001,
    items: [
      { city: '全国通用', left: 1 },
      { city: '杭州', left: 30_000 },
      { city: '宁波', left: 30_000 },
    ],
  })

  const wish = ['--product', 'AXN', '--class', '1', '--city', '杭州', '--quantity', '12']
  const quote = await axbridge('numbers', 'buy', ...wish)
  expect(quote.out).toContain('12 numbers cost 60.00 yuan now: 5.00 each')
  const bought = await axbridge('numbers', 'buy', ...wish, '--price', '60.00', '--json')
  const order = JSON.parse(bought.out)
  expect(order.numbers).toHaveLength(12)
  const changed = await axbridge('numbers', 'buy', ...wish, '--price', '59.00')
  expect(changed.err).toContain('price-changed')

  const listed = await axbridge('numbers', 'list', '--product', 'AXN')
  expect(listed.out).toContain('12 numbers, 0 of them bound; 12 more bindings fit.')
  expect((await axbridge('numbers', 'orders')).out).toContain(order.id)

  const [x] = order.numbers
  expect((await axbridge('numbers', 'fault', x)).out).toBe(`${x} is faulty now.\n`)
  expect((await axbridge('numbers', 'resume', x)).out).toBe(`${x} is normal now.\n`)
  expect((await axbridge('numbers', 'note', x, '备用')).code).toBe(0)
  expect((await axbridge('numbers', 'get', x)).out).toContain('备用')
  expect((await axbridge('numbers', 'release', x)).code).toBe(0)
  expect((await axbridge('numbers', 'get', x)).err).toContain('number-unknown')
  const resting = await axbridge('inventory', 'list', '--state', 'returned')
  expect(resting.out).toContain(x)
  expect((await axbridge('inventory', 'restore', x)).out).toBe(`${x} can be bought.\n`)
  expect((await axbridge('inventory', 'counts')).out).toMatch(/1\s+杭州\s+29989\s+11\s+0\s+0/)
  expect((await axbridge('inventory', 'remove', order.numbers[1])).err).toContain('stock-sold')
}, 180_000)
