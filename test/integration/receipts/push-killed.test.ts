import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../support/data-rooms.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { type Receiver, startReceiver, takes } from '../../support/receiver.ts'
import { pushGround, statesOf, storeAll } from './push-ground.ts'

const childFile = fileURLToPath(new URL('./push-until-killed.ts', import.meta.url))
let database: TestDatabase
let receiver: Receiver
let ground: ReturnType<typeof pushGround>
const children: ChildProcess[] = []

beforeEach(async () => {
  ;[database, receiver] = await Promise.all([createTestDatabase(), startReceiver()])
  ground = pushGround(database.sql)
})

afterEach(async () => {
  await Promise.all(children.splice(0).map(kill))
  ground.close()
  await receiver.close()
  await database.drop()
})

function startWorker(): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', childFile, database.url], {
    stdio: 'inherit',
  })
  children.push(child)
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

test('a worker that is killed in the middle of a batch loses nothing: another sends it again, in order', async () => {
  await ground.pushTo(receiver.url, { timeoutMs: 1_000, batchMax: 3, concurrency: 2 })
  const ids = Array.from({ length: 40 }, (_, at) => ({ id: `${at}`, callId: `call-${at % 8}` }))
  await storeAll(database.sql, ids)
  // Some are taken, and then it says nothing any more while a batch is under way.
  receiver.answer((received, response) => {
    if (receiver.received.length <= 4) takes(received, response)
  })
  const dying = startWorker()
  await until(() => receiver.received.length >= 6, 60_000)
  await kill(dying)
  receiver.answer(takes)
  startWorker()
  await until(
    async () => (await statesOf(database.sql)).every(({ state }) => state === 'sent'),
    60_000,
  )
  const seen = receiver.received.flatMap(({ receipts }) =>
    receipts.map((each) => Number(each['id'])),
  )
  expect(seen.length).toBeGreaterThan(40)
  expect(new Set(seen).size).toBe(40)
  for (let call = 0; call < 8; call += 1) {
    const firsts = [...new Set(seen.filter((id) => id % 8 === call))]
    expect(firsts).toEqual([...firsts].sort((one, other) => one - other))
  }
})

test('the receiver of docs/receipt-push.md takes what is ours, and nothing else', async () => {
  const page = readFileSync(new URL('../../../docs/receipt-push.md', import.meta.url), 'utf8')
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? []
  const { isOurs } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    isOurs(secret: string, headers: object, body: string): boolean
  }
  const secret = await ground.pushTo(receiver.url)
  await storeAll(database.sql, [{ id: 'a', callId: 'a' }])
  await ground.work()
  const [one] = receiver.received
  if (one === undefined) throw new Error('nothing came')
  expect(isOurs(secret, one.headers, one.body)).toBe(true)
  expect(isOurs('another', one.headers, one.body)).toBe(false)
  expect(isOurs(secret, one.headers, `${one.body} `)).toBe(false)
  const old = { ...one.headers, 'x-axbridge-timestamp': '1000000000' }
  expect(isOurs(secret, old, one.body)).toBe(false)
  expect(isOurs(secret, {}, one.body)).toBe(false)
})
