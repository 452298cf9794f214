import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../support/data-rooms.ts'
import { startKafka, type TestKafka } from '../../support/kafka.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { expectInOrder, kafkaGround, kafkaStates, ofCalls } from './kafka-ground.ts'
import { storeAll } from './push-ground.ts'

const childFile = fileURLToPath(new URL('./kafka-until-killed.ts', import.meta.url))
let kafka: TestKafka
let database: TestDatabase
let ground: ReturnType<typeof kafkaGround>
const template = 'axbridge.{account}.{type}'
const children: ChildProcess[] = []

beforeEach(async () => {
  ;[database, kafka] = await Promise.all([createTestDatabase(), startKafka(2)])
  ground = kafkaGround(database.sql, { brokers: kafka.brokers, template })
  return async () => {
    ground.close()
    await kafka.stop()
    await database.drop()
  }
})
afterEach(() => Promise.all(children.splice(0).map(endChild)))

const states = async () => (await kafkaStates(database.sql)).map(({ state }) => state)

function startChild(given: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', childFile, ...given], {
    stdio: 'inherit',
  })
  children.push(child)
  return child
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

test('a worker that is killed in the middle of a batch loses nothing: another sends it again, in order', async () => {
  await kafka.order('topic axbridge.main.SecretReport 4')
  await ground.turnOn()
  const all = ofCalls(30, 200)
  for (let at = 0; at < all.length; at += 500) {
    await storeAll(database.sql, all.slice(at, at + 500))
  }
  const start = () => startChild([database.url, kafka.brokers.join(','), template])
  const dying = start()
  await until(async () => (await states()).includes('sent'), 30_000)
  // It is killed with a batch under way, which the brokers have, and of which it does not know that.
  await kafka.order('slow 3000')
  const counts: number[] = []
  await until(async () => {
    counts.unshift((await states()).filter((each) => each === 'sent').length)
    return counts.length > 8 && new Set(counts.slice(0, 8)).size === 1
  })
  await endChild(dying)
  expect(await states()).toContain('due')
  await kafka.order('slow 0')
  const living = start()
  // For as long as the dead one's turn lasts the other waits.
  await until(async () => !(await states()).includes('due'), 40_000)
  await endChild(living)
  const records = await kafka.read('axbridge.main.SecretReport')
  expectInOrder(records, 30, 200)
  expect(records.length).toBeGreaterThan(6_000)
}, 90_000)
