import { expect, test } from 'vitest'
import { type Asked, cli } from './a-cli.ts'

const name = 'Alicom-Queue-main-SecretReport-1'
const queue = { name, type: 'SecretReport', isDefault: false, enabled: false, poolKeys: ['FC1'] }
const url = 'https://receipts.example.com/ends'
const push = { type: 'SecretReport', url, enabled: true, secret: 'axp_abc' }
const topicAt = '/receipts/kafka/SecretReport'
const kafka = {
  ...{ type: 'SecretReport', topic: 'a.SecretReport', enabled: true },
  ...{ failingSince: '2030-01-30T02:00:00Z', lastFault: 'the connection was cut' },
}
const delivery = {
  ...{ id: '4711', type: 'SecretReport', eventId: 'one:end', state: 'dead', attempts: 4 },
  ...{ lastFault: 'status 500', answeredMs: 12, createdAt: '2030-01-30T02:00:00Z' },
}
const since = '2030-01-30T02:00:00Z'
const at = '/receipts/pushes/SecretReport'
const list = (item: object) => ({ items: [item], nextCursor: 'bmV4dA' })
const answering = (body: object) => ({ answer: () => Response.json(body) })
const path = ({ method, url: asked }: Asked) =>
  `${method} ${asked.replace('http://127.0.0.1:8080/v1', '')}`

test.each<[string, object, string, unknown, string]>([
  [
    'queue add SecretReport --suffix 1 --pools FC1 FC2',
    queue,
    'POST /receipts/queues',
    { type: 'SecretReport', suffix: '1', poolKeys: ['FC1', 'FC2'] },
    name,
  ],
  [`queue set ${name} --off`, queue, `PATCH /receipts/queues/${name}`, { enabled: false }, 'off'],
  [
    'queue list --type SecretReport',
    list(queue),
    'GET /receipts/queues?type=SecretReport&limit=200',
    undefined,
    'More: --cursor bmV4dA',
  ],
  [
    `queue delete ${name} --discard`,
    {},
    `DELETE /receipts/queues/${name}?discard=true`,
    undefined,
    'is gone',
  ],
  [
    `push set SecretReport ${url} --batch 5 --timeout-ms 700 --concurrency 2 --on`,
    push,
    `PUT ${at}`,
    { url, enabled: true, timeoutMs: 700, batchMax: 5, concurrency: 2 },
    'Secret axp_abc',
  ],
  ['push list', list(push), 'GET /receipts/pushes', undefined, 'SecretReport  on'],
  ['push test SecretReport', { ok: true, ms: 3 }, `POST ${at}/test`, undefined, 'was taken (3 ms)'],
  ['push rotate SecretReport --keep 2h', push, `POST ${at}/rotate`, { keepSeconds: 7200 }, 'axp_'],
  ['push delete SecretReport', {}, `DELETE ${at}`, undefined, 'not pushed any more'],
  [
    `log --state dead --since ${since}`,
    list(delivery),
    'GET /receipts/deliveries?state=dead&since=2030-01-30T02%3A00%3A00Z&limit=50',
    undefined,
    'status 500',
  ],
  [
    'resend 4711 4712',
    { receipts: 2 },
    'POST /receipts/deliveries/resend',
    { ids: ['4711', '4712'] },
    '2 receipts',
  ],
  ['kafka set SecretReport --off', kafka, `PUT ${topicAt}`, { enabled: false }, '(failing since'],
  ['kafka set SecretReport', kafka, `PUT ${topicAt}`, {}, 'goes to the topic a.SecretReport'],
  ['kafka list', list(kafka), 'GET /receipts/kafka', undefined, 'the connection was cut'],
  [
    'kafka test SecretReport',
    { ok: true, ms: 3 },
    `POST ${topicAt}/test`,
    undefined,
    'was taken (3 ms)',
  ],
  [
    'kafka delete SecretReport --discard',
    {},
    `DELETE ${topicAt}?discard=true`,
    undefined,
    'does not go to Kafka any more',
  ],
  [
    'log --kafka',
    list(delivery),
    'GET /receipts/deliveries?way=kafka&limit=50',
    undefined,
    'status 500',
  ],
  [
    'resend --kafka 4711',
    { receipts: 1 },
    'POST /receipts/deliveries/resend',
    { way: 'kafka', ids: ['4711'] },
    '1 receipts',
  ],
  [
    `replay SecretReport --since ${since} --kafka`,
    { receipts: 3 },
    'POST /receipts/replay',
    { type: 'SecretReport', since, way: 'kafka' },
    '3 receipts',
  ],
  [
    `replay SecretReport --since ${since} --queue ${name}`,
    { receipts: 3 },
    'POST /receipts/replay',
    { type: 'SecretReport', since, queue: name },
    '3 receipts',
  ],
])('axbridge receipts %s', async (line, answer, asked, body, said) => {
  const run = await cli(['receipts', ...line.split(' ')], answering(answer))
  expect(run.err).toBe('')
  expect(run.code).toBe(0)
  expect(run.asked.map(path)).toEqual([asked])
  expect(run.asked[0]?.body).toEqual(body)
  expect(run.out).toContain(said)
  const json = await cli(['receipts', ...line.split(' '), '--json'], answering(answer))
  expect(json.code).toBe(0)
  expect(() => JSON.parse(json.out)).not.toThrow()
})

test('a test that was not taken, and a command that says nothing, end with a fault', async () => {
  const tested = await cli(
    ['receipts', 'push', 'test', 'SecretReport'],
    answering({ ok: false, fault: 'status 500', ms: 3 }),
  )
  expect(tested.code).toBe(1)
  expect(tested.out).toContain('status 500')
  expect(await cli(['receipts', 'resend'])).toMatchObject({ code: 1, asked: [] })
  const failed = await cli(
    ['receipts', 'kafka', 'test', 'SecretReport'],
    answering({ ok: false, fault: 'the topic has no leader now', ms: 3 }),
  )
  expect(failed.code).toBe(1)
  expect(failed.out).toContain('no leader')
  for (const line of [
    'kafka set SecretReport --on --off',
    `replay SecretReport --since ${since} --kafka --queue ${name}`,
    'resend --kafka',
  ]) {
    expect(await cli(['receipts', ...line.split(' ')])).toMatchObject({ code: 1, asked: [] })
  }
  const both = ['receipts', 'push', 'set', 'SecretReport', url, '--on', '--off']
  expect(await cli(both)).toMatchObject({ code: 1, asked: [] })
})

test('a push that fails or is paused says so in the list', async () => {
  const failing = { ...push, failingSince: since }
  const listed = await cli(['receipts', 'push', 'list'], answering({ items: [failing] }))
  expect(listed.out).toContain(`failing since ${since}`)
  const paused = { ...failing, pausedAt: since }
  const again = await cli(['receipts', 'push', 'list'], answering({ items: [paused] }))
  expect(again.out).toContain(`paused since ${since}`)
})
