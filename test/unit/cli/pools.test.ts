import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Asked, cli, problem } from './a-cli.ts'

const key = 'FC100000000000001'
const pool = {
  ...{ key, name: 'Couriers', product: 'AXN', numbers: 20, utilisation: 12.5 },
  ...{ assignmentMode: 'smart', smsMode: 'off' },
}
const alarm = {
  ...{ id: '1000000001', poolKey: key, percent: 80.5, threshold: 80 },
  raisedAt: '2030-01-30T02:00:00Z',
}
const entry = { id: '17', number: '138****0001', createdAt: '2030-01-30T02:00:00Z' }
const pair = {
  ...{ id: '18', first: '138****0001', second: '139****0002', way: 'DUPLEX_REJECT' },
  createdAt: '2030-01-30T02:00:00Z',
}
const group = {
  ...{ id: '2000000000001', name: 'Night', members: 2, createdAt: '2030-01-30T02:00:00Z' },
  ...{ added: 2, removed: 0 },
}
const member = { number: '138****0001', addedAt: '2030-01-30T02:00:00Z' }

const answering = (body: object) => ({ answer: () => Response.json(body) })
const path = ({ method, url }: Asked) => `${method} ${url.replace('http://127.0.0.1:8080/v1', '')}`
const at = `/pools/${key}`
const one = `${at}/groups/${group.id}`
const list = (item: object) => ({ items: [item], nextCursor: 'bmV4dA' })

test.each<[string, object, string, unknown]>([
  [
    `pool add --name Couriers --product AXN --callback last-caller --tone a=1 alone=2`,
    pool,
    'POST /pools',
    {
      name: 'Couriers',
      product: 'AXN',
      callbackMode: 'last-caller',
      tones: { a: '1', alone: '2' },
    },
  ],
  [
    `pool set ${key} --name New --no-record --alarm none --cooling-days 0 --assignment strict`,
    pool,
    `PATCH ${at}`,
    {
      name: 'New',
      recording: false,
      alarmPercent: null,
      coolingDays: 0,
      assignmentMode: 'strict',
    },
  ],
  [
    `pool set ${key} --alarm 80 --record`,
    pool,
    `PATCH ${at}`,
    { alarmPercent: 80, recording: true },
  ],
  [
    'pool list --product AXN --search cour',
    list(pool),
    'GET /pools?product=AXN&search=cour&limit=50',
    undefined,
  ],
  [`pool get ${key}`, pool, `GET ${at}`, undefined],
  ['pool products', { items: [{ product: 'AXB', pools: 2 }] }, 'GET /products', undefined],
  [
    `pool alarms --open --pool ${key}`,
    list(alarm),
    `GET /alarms?kind=pool-utilisation&poolKey=${key}&open=true&limit=50`,
    undefined,
  ],
  [
    `blacklist add --pool ${key} --number 13800000001 --remark spam`,
    entry,
    `POST ${at}/blocked-callers`,
    { number: '13800000001', remark: 'spam' },
  ],
  [
    `blacklist add --pool ${key} --number 13800000001 --with 13900000002 --way first`,
    pair,
    `POST ${at}/blocked-pairs`,
    { first: '13800000001', second: '13900000002', way: 'PHONEB_REJECT' },
  ],
  [`blacklist remove --pool ${key} --id 17`, {}, `DELETE ${at}/blocked-callers/17`, undefined],
  [`blacklist remove --pool ${key} --id 18 --pair`, {}, `DELETE ${at}/blocked-pairs/18`, undefined],
  [
    `blacklist remove --pool ${key} --number 13800000001`,
    {},
    `POST ${at}/blocked-callers/remove`,
    { number: '13800000001' },
  ],
  [
    `blacklist remove --pool ${key} --number 13800000001 --with 13900000002`,
    {},
    `POST ${at}/blocked-pairs/remove`,
    { first: '13800000001', second: '13900000002' },
  ],
  [`blacklist list --pool ${key}`, list(entry), `GET ${at}/blocked-callers?limit=50`, undefined],
  [
    `blacklist list --pool ${key} --pairs`,
    list(pair),
    `GET ${at}/blocked-pairs?limit=50`,
    undefined,
  ],
  [
    `blacklist list --pool ${key} --number 13800000001`,
    list(entry),
    `POST ${at}/blocked-callers/search`,
    { number: '13800000001', limit: 50 },
  ],
  [
    `group add 13800000001 13900000002 --pool ${key} --name Night`,
    group,
    `POST ${at}/groups`,
    { name: 'Night', numbers: ['13800000001', '13900000002'] },
  ],
  [
    `group put-in ${group.id} 13800000001 --pool ${key}`,
    group,
    `POST ${one}/members`,
    { numbers: ['13800000001'] },
  ],
  [
    `group take-out ${group.id} 13800000001 --pool ${key}`,
    group,
    `POST ${one}/members/remove`,
    { numbers: ['13800000001'] },
  ],
  [
    `group overwrite ${group.id} 13800000001 --pool ${key}`,
    group,
    `PUT ${one}/members`,
    { numbers: ['13800000001'] },
  ],
  [`group rename ${group.id} --pool ${key} --name Day`, group, `PATCH ${one}`, { name: 'Day' }],
  [`group remove ${group.id} --pool ${key}`, {}, `DELETE ${one}`, undefined],
  [
    `group list --pool ${key} --search nig`,
    list(group),
    `GET ${at}/groups?search=nig&limit=50`,
    undefined,
  ],
  [
    `group list --pool ${key} --number 13800000001`,
    list(group),
    `POST ${at}/groups/search`,
    { number: '13800000001', limit: 50 },
  ],
  [
    `group numbers ${group.id} --pool ${key}`,
    list(member),
    `GET ${one}/members?limit=50`,
    undefined,
  ],
  [
    `group numbers ${group.id} --pool ${key} --number 13800000001`,
    list(member),
    `POST ${one}/members/search`,
    { number: '13800000001', limit: 50 },
  ],
])('%s', async (line, body, asked, sent) => {
  const run = await cli(line.split(' '), answering(body))
  expect(run.err).toBe('')
  expect(run.code).toBe(0)
  expect(run.asked.map(path)).toEqual([asked])
  expect(run.asked[0]?.body).toEqual(sent)
  expect(run.out).toMatch(/\S\n$/)
  expect(run.out).not.toContain('undefined')
  if ('nextCursor' in body) expect(run.out).toContain('More: --cursor bmV4dA')
  const json = await cli([...line.split(' '), '--json'], answering(body))
  expect(() => JSON.parse(json.out)).not.toThrow()
})

test('an empty remark of a group takes it away', async () => {
  const args = ['group', 'rename', group.id, '--pool', key, '--remark', '']
  expect((await cli(args, answering(group))).asked[0]?.body).toEqual({ remark: null })
})

test('numbers come from a file too, 200 in a request', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'axb-cli-'))
  try {
    const file = join(folder, 'numbers.txt')
    const numbers = Array.from({ length: 450 }, (_, each) => `138000${10_000 + each}`)
    await writeFile(file, `${numbers.join('\r\n')}\n\n`)
    const added = await cli(
      ['group', 'put-in', group.id, '--pool', key, '--file', file],
      answering(group),
    )
    const sent = added.asked.map(({ body }) => (body as { numbers: string[] }).numbers)
    expect(sent.map((each) => each.length)).toEqual([200, 200, 50])
    expect(sent.flat()).toEqual(numbers)
    expect(added.out).toContain('6 came')
    const made = await cli(['group', 'add', '--pool', key, '--file', file], answering(group))
    expect(made.asked.map(path)).toEqual([
      `POST ${at}/groups`,
      `POST ${one}/members`,
      `POST ${one}/members`,
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.each([
  ['pool set FC100000000000001', 'say what is to be changed'],
  ['pool set FC100000000000001 --tone b=1', 'moment=code'],
  ['pool set FC100000000000001 --alarm much', 'whole number'],
  ['pool add --name x', '--product'],
  ['blacklist add --pool FC1 --number 1 --way both', 'give the second by --with'],
  ['blacklist remove --pool FC1', 'either --number or --id'],
  ['group put-in 1 --pool FC1', 'name the numbers'],
  ['group put-in 1 --pool FC1 --file /nowhere/numbers', 'cannot be read'],
  ['group rename 1 --pool FC1', 'say --name or --remark'],
  ['group list', '--pool'],
])('%s is refused before anything is sent', async (line, text) => {
  const run = await cli(line.split(' '), answering({}))
  expect(run.code).not.toBe(0)
  expect(run.asked).toEqual([])
  expect(run.err).toContain(text)
})

test('a refusal of the server is told in its words', async () => {
  const detail = 'This pool holds AXG numbers, and those have no blacklist.'
  const answer = () => problem(409, { code: 'product-mismatch', detail })
  const run = await cli(['blacklist', 'list', '--pool', key], { answer })
  expect(run.err).toBe(`error: ${detail} (product-mismatch)\n`)
})
