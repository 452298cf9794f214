import { expect, test } from 'vitest'
import { type Asked, cli } from './a-cli.ts'

const alarm = {
  ...{ id: '1000000001', kind: 'trunk-down', subject: 'carrier-1', routers: 1, routersInAll: 2 },
  ...{ detail: '203.0.113.10:5060 does not answer OPTIONS.', raisedAt: '2030-01-30T02:00:00Z' },
}
const over = { clearedAt: '2030-01-30T03:00:00Z' }
const answering = (...items: readonly object[]) => ({
  answer: () => Response.json({ items, nextCursor: 'bmV4dA' }),
})
const path = ({ method, url }: Asked) => `${method} ${url.replace('http://127.0.0.1:8080/v1', '')}`

test('alarms are told one a line, open or with their end', async () => {
  const page = answering(
    alarm,
    { ...alarm, id: '1000000002', ...over, clearedBecause: 'over' },
    { ...alarm, id: '1000000003', ...over, clearedBecause: 'unwatched' },
    { id: '1000000004', kind: 'pool-utilisation', poolKey: 'FC1', raisedAt: alarm.raisedAt },
  )
  const run = await cli(['alarms'], page)
  expect(run.code).toBe(0)
  expect(run.asked.map(path)).toEqual(['GET /alarms?limit=50'])
  const [, ...lines] = run.out.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^1000000001 +trunk-down +carrier-1 .* open +203\.0\.113\.10:5060 does/)
  expect(lines[1]).toMatch(/ 2030-01-30T03:00:00Z +203/)
  expect(lines[2]).toContain('2030-01-30T03:00:00Z (unwatched)')
  expect(lines[3]).toMatch(/ pool-utilisation +FC1 .* open$/)
  expect(lines[4]).toBe('More: --cursor bmV4dA')
})

test('filters are passed on, and JSON is the answer as it is', async () => {
  const line = 'alarms --open --kind trunk-down --pool FC1 --limit 5 --cursor bmV4dA --json'
  const run = await cli(line.split(' '), answering(alarm))
  expect(run.asked.map(path)).toEqual([
    'GET /alarms?kind=trunk-down&poolKey=FC1&open=true&limit=5&cursor=bmV4dA',
  ])
  expect(JSON.parse(run.out)).toEqual({ items: [alarm], nextCursor: 'bmV4dA' })
})

test('since is so long ago', async () => {
  const run = await cli(['alarms', '--since', '2h'], answering())
  const since = new URL(run.asked[0]?.url ?? '').searchParams.get('since')
  const hoursAgo = (Date.now() - new Date(since ?? '').getTime()) / 3_600_000
  expect(hoursAgo).toBeGreaterThan(1.9)
  expect(hoursAgo).toBeLessThan(2.1)
})

test.each([
  [['alarms', '--kind', 'fire'], 'Allowed choices'],
  [['alarms', '--since', 'yesterday'], 'duration'],
])('%j is refused before anything is sent', async (args, text) => {
  const run = await cli(args, answering())
  expect(run.code).not.toBe(0)
  expect(run.asked).toEqual([])
  expect(run.err).toContain(text)
})
