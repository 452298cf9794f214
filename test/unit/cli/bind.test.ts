import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli } from './a-cli.ts'

const bound = {
  id: '1000000000000001',
  poolKey: 'FC100000000000003',
  product: 'AXN_EXTENSION',
  x: '+8617000000001',
  extension: '123',
  phoneA: '138****0001',
  expiresAt: '2030-01-31T15:59:59Z',
  status: 'live',
}
const answering = (body: unknown) => ({ answer: () => Response.json(body) })
const words = (line: string) => line.split(' ')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'axb-bind-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

test('a binding of any product is asked for', async () => {
  const line =
    'bind add --pool FC100000000000003 --product AXN_EXTENSION --a 13812340001 --x 17000000001 --extension 123 --city 杭州 --until 2030-01-31T23:59:59+08:00 --tone a=10000002 --tone peerPickup=10000003 --asr-model m --out-order-id o'
  const run = await cli(words(line), answering(bound))
  expect(run.out).toBe(
    'Binding 1000000000000001: 138****0001 is reached by dialling +8617000000001, then 123 until 2030-01-31T15:59:59Z.\n',
  )
  expect(run.asked[0]?.body).toEqual({
    poolKey: 'FC100000000000003',
    product: 'AXN_EXTENSION',
    phoneA: '13812340001',
    x: '17000000001',
    extension: '123',
    expectCity: '杭州',
    expiresAt: '2030-01-31T23:59:59+08:00',
    tones: { a: '10000002', peerPickup: '10000003' },
    asr: true,
    asrModel: 'm',
    outOrderId: 'o',
  })
  const odd = await cli(words('bind add --pool p --a 1 --for 1h --tone loud=1'))
  expect(odd.err).toContain('Give a, alone, peer')
})

describe('update', () => {
  test('sends what is named and null for what is cleared', async () => {
    const line =
      'bind update 1000000000000001 --b 13956780002 --ring-seconds 30 --clear outId callRestrict'
    const run = await cli(words(line), answering(bound))
    expect(run.asked[0]).toMatchObject({
      method: 'PATCH',
      url: 'http://127.0.0.1:8080/v1/bindings/1000000000000001',
      body: { phoneB: '13956780002', ringSeconds: 30, outId: null, callRestrict: null },
    })
    expect(run.out).toContain('Binding 1000000000000001')
  })

  test('nothing to change, or two expiries, are said before anything is asked', async () => {
    const none = await cli(words('bind update 1'))
    expect(none).toMatchObject({ code: 1, err: 'error: say what is to change\n', asked: [] })
    const two = await cli(words('bind update 1 --for 1h --until 2030-01-31T23:59:59+08:00'))
    expect(two.err).toContain('either --for or --until')
  })
})

describe('list', () => {
  test('filters go into the query', async () => {
    const line =
      'bind list --product AXG --out-id o --group 2000000000001 --status live --order expires --limit 5'
    const run = await cli(words(line), answering({ items: [bound], nextCursor: 'n' }))
    expect(run.asked[0]?.url).toBe(
      'http://127.0.0.1:8080/v1/bindings?product=AXG&outId=o&groupId=2000000000001&status=live&order=expires&limit=5',
    )
    expect(run.out).toMatch(/AXN_EXTENSION\s+\+8617000000001\s+123/)
    expect(run.out).toContain('More: --cursor n')
  })

  test('a real number goes into the body', async () => {
    const run = await cli(
      words('bind list --phone 13812340001 --as-a --pool p'),
      answering({ items: [] }),
    )
    expect(run.asked[0]).toMatchObject({
      method: 'POST',
      url: 'http://127.0.0.1:8080/v1/bindings/search',
      body: { phone: '13812340001', role: 'A', poolKey: 'p', limit: 50 },
    })
  })
})

describe('bulk', () => {
  const problem = { code: 'bind-conflict', detail: 'Taken.' }

  test('each line is an item, and what was refused is told', async () => {
    const path = await file(
      'some.csv',
      'poolKey,phoneA,phoneB,expiresAt,recording,ringSeconds,tones\n' +
        'FC1,13812340001,13956780002,2030-01-31T23:59:59+08:00,true,30,"{""a"":""1""}"\n' +
        'FC1,13812340003,,2030-01-31T23:59:59+08:00,,,\n',
    )
    const answer = { done: 1, failed: 1, items: [{ binding: bound }, { problem }] }
    const run = await cli(['bind', 'bulk', path], answering(answer))
    expect(run.asked[0]?.body).toEqual({
      items: [
        {
          poolKey: 'FC1',
          phoneA: '13812340001',
          phoneB: '13956780002',
          expiresAt: '2030-01-31T23:59:59+08:00',
          recording: true,
          ringSeconds: 30,
          tones: { a: '1' },
        },
        { poolKey: 'FC1', phoneA: '13812340003', expiresAt: '2030-01-31T23:59:59+08:00' },
      ],
    })
    expect(run.out).toMatch(/1\s+1000000000000001\s+\+8617000000001\s+123\s+done/)
    expect(run.out).toContain('bind-conflict: Taken.')
    expect(run).toMatchObject({ code: 1, err: 'error: 1 of 2 were refused\n' })
  })

  test('a long file goes in parts, with keys of its content', async () => {
    const line = 'FC1,13812340001,2030-01-31T23:59:59+08:00\n'
    const path = await file('long.csv', `poolKey,phoneA,expiresAt\n${line.repeat(501)}`)
    const send = () =>
      cli(['bind', 'bulk', path, '--json'], answering({ items: [{ binding: bound }] }))
    const [first, second] = [await send(), await send()]
    expect(first.asked.map(({ body }) => (body as { items: [] }).items.length)).toEqual([500, 1])
    const keys = first.asked.map(({ headers }) => headers['idempotency-key'])
    expect(new Set(keys).size).toBe(2)
    expect(second.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(keys)
    expect(JSON.parse(first.out)).toMatchObject({ done: 2, failed: 0 })
  })

  test('ids are read one per line or from a column', async () => {
    for (const text of [
      '1000000000000001\n1000000000000002\n',
      'id,x\n1000000000000001,1\n1000000000000002,2\n',
    ]) {
      const path = await file('ids', text)
      const run = await cli(['bind', 'bulk-remove', path], answering({ items: [] }))
      expect(run.asked[0]).toMatchObject({
        url: 'http://127.0.0.1:8080/v1/bindings/bulk-unbind',
        body: { items: [{ id: '1000000000000001' }, { id: '1000000000000002' }] },
      })
    }
  })

  test.each([
    ['poolKey,phoneA\n', 'no lines besides its header'],
    ['poolKey,recording\nFC1,yes\n', 'column recording'],
    ['a,b\n"1', 'no CSV'],
  ])('a file that is of no use is refused: %j', async (text, words) => {
    const run = await cli(['bind', 'bulk', await file('odd.csv', text)])
    expect(run).toMatchObject({ code: 1, asked: [] })
    expect(run.err).toContain(words)
  })

  test('and one that is not there', async () => {
    expect((await cli(['bind', 'bulk', join(folder, 'none')])).err).toContain('cannot be read')
  })
})
