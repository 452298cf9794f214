import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Carrier, startCarrier } from '../support/carrier.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { type ServerProcess, startServer } from '../support/media-runtime.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from '../support/ordinary-calls.ts'
import { until } from '../support/ports.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'

/** Two routers, a second media host, and somebody's webhook: alarms through the whole engine. */
let runtime: Runtime
let engine: Engine
let second: Engine
let receiver: Receiver
let carrier: Carrier
let media: ServerProcess
let host: string
let calls: OrdinaryCalls

const alarmMsMax = 60_000
const env = { RECEIPT_PRIVATE_HOSTS: 'true' }

const startMedia = (esl = '0') =>
  startServer('media', ['--esl-port', esl, '--rtp-min', '44000', '--rtp-max', '44999'])

beforeAll(async () => {
  runtime = await startRuntime()
  media = await startMedia()
  host = media.ready['esl'] ?? ''
  const freeswitchUrls = `${runtime.freeswitchUrls},freeswitch://:ClueCon@${host}`
  const world = { ...runtime, freeswitchUrls }
  engine = await startEngine(world, { name: 'first', env })
  second = await startEngine(world, { name: 'second', roles: 'router', env })
  calls = await createOrdinaryCalls(engine, runtime)
  carrier = await startCarrier()
  receiver = await startReceiver()
  await engine.api.call('PUT', '/v1/receipts/pushes/AlarmReport', { url: receiver.url })
})

afterAll(async () => {
  await engine?.stop()
  await second?.stop()
  await media?.stop()
  await carrier?.leave()
  await receiver?.close()
  await runtime?.stop()
})

type Report = Readonly<Record<string, unknown>>

const told = () =>
  receiver.received.flatMap(({ receipts }) =>
    receipts.map(({ kind, subject, state }: Report) => `${kind} ${subject} ${state}`),
  )

async function open(): Promise<readonly Report[]> {
  const page = await engine.api.call<{ items: Report[] }>('GET', '/v1/alarms?open=true')
  return page.items
}

const isOpen = async (kind: string) => (await open()).some((each) => each['kind'] === kind)

async function callsGetThroughAtOnce(): Promise<void> {
  const result = await calls.run({ callsPerSecond: 1, calls: 3, holdSeconds: 0.1 })
  expect(result.completed).toBe(3)
  expect(Math.max(...result.postDialMs)).toBeLessThan(6_000)
}

test('a trunk whose far end falls silent is down for as long as it is, and calls do not wait for it', async () => {
  const trunk = { id: 'carrier', host: '127.0.0.1', port: carrier.port, addresses: [], priority: 0 }
  await engine.api.createTrunk({ ...trunk, optionsSeconds: 5 })
  await until('both routers have asked', () => carrier.asked() >= 4, alarmMsMax)
  expect(await open()).toEqual([])

  carrier.mute()
  await until('the trunk is down', () => isOpen('trunk-down'), alarmMsMax, 200)
  const alarm = (await open()).find(({ kind }) => kind === 'trunk-down')
  expect(alarm).toMatchObject({
    subject: 'carrier',
    detail: `127.0.0.1:${carrier.port} does not answer OPTIONS.`,
    routersInAll: 2,
  })
  for (const each of [engine, second]) {
    const down = () =>
      each.api.metrics().then((text) => text.includes('axbridge_trunk_up{trunk="carrier"} 0'))
    await until('each router knows', down, alarmMsMax, 200)
  }
  await callsGetThroughAtOnce()

  await carrier.leave()
  await carrier.comeBack()
  await until(
    'the trunk is there again',
    async () => !(await isOpen('trunk-down')),
    alarmMsMax,
    200,
  )
  await until('it is told', () => told().length === 2, alarmMsMax)
  expect(told()).toEqual(['trunk-down carrier raised', 'trunk-down carrier cleared'])
  await engine.api.removeTrunk('carrier')
})

test('a media host that dies is an alarm until it is back, also when a router dies with it', async () => {
  receiver.received.splice(0)
  await until('both hosts are up', async () => !(await isOpen('media-host-down')), alarmMsMax)
  await media.kill()
  await until('the media host is down', () => isOpen('media-host-down'), alarmMsMax, 200)
  const [alarm] = await open()
  expect(alarm).toMatchObject({ subject: host, routersInAll: 2 })
  await callsGetThroughAtOnce()

  // It sees the fault as well; with its process gone and another in its place nothing is told twice.
  second.signal('SIGKILL')
  await second.exited
  const freeswitchUrls = `${runtime.freeswitchUrls},freeswitch://:ClueCon@${host}`
  second = await startEngine(
    { ...runtime, freeswitchUrls },
    { name: 'second', roles: 'router', env },
  )
  expect((await open()).map(({ id }) => id)).toEqual([alarm?.['id']])

  media = await startMedia(host.split(':')[1])
  await until('the host is back', async () => !(await isOpen('media-host-down')), alarmMsMax, 200)
  await until('it is told', () => told().length === 2, alarmMsMax)
  expect(told()).toEqual([`media-host-down ${host} raised`, `media-host-down ${host} cleared`])
})
