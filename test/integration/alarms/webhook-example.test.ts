import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exampleOf } from '../../../src/receipts/receipt-example.ts'
import { mainAccount, until } from '../../support/data-rooms.ts'
import { freeTcpPort } from '../../support/ports.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { pushGround } from '../receipts/push-ground.ts'

type Alert = { labels: Record<string, string>; annotations: object; endsAt: string }

let database: TestDatabase
let ground: ReturnType<typeof pushGround>
let dir: string
let child: ChildProcess
let status = 200
const alerts: Alert[] = []
const key = { accountId: mainAccount, type: 'AlarmReport' } as const

/** Stands in for Alertmanager. */
const manager = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    alerts.push(...(JSON.parse(Buffer.concat(parts).toString('utf8')) as Alert[]))
    response.writeHead(status).end()
  })
})

async function example(page: string): Promise<string> {
  const text = await readFile(new URL(`../../../docs/${page}`, import.meta.url), 'utf8')
  return /```js\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
}

beforeAll(async () => {
  database = await createTestDatabase()
  ground = pushGround(database.sql)
  dir = await mkdtemp(join(tmpdir(), 'axb-webhook-'))
  await new Promise<void>((resolve) => manager.listen(0, '127.0.0.1', resolve))
  const port = await freeTcpPort()
  const secret = await ground.pushTo(`http://127.0.0.1:${port}/`, { type: 'AlarmReport' })
  await writeFile(join(dir, 'package.json'), '{"type":"module"}')
  await writeFile(join(dir, 'is-ours.js'), await example('receipt-push.md'))
  const program = (await example('operations.md')).replace('8099', String(port))
  await writeFile(join(dir, 'bridge.js'), program)
  const managerUrl = `http://127.0.0.1:${(manager.address() as AddressInfo).port}`
  child = spawn(process.execPath, ['bridge.js'], {
    cwd: dir,
    env: { ALERTMANAGER: managerUrl, AXP_SECRET: secret },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await until(async () => (await ground.routes.test(key)).fault === undefined)
})
afterAll(async () => {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  ground.close()
  await new Promise((resolve) => manager.close(resolve))
  await rm(dir, { recursive: true, force: true })
  await database.drop()
})

test('the program in docs/operations.md takes alarms to Alertmanager, and fails when that does', async () => {
  alerts.splice(0)
  expect(await ground.routes.test(key)).toMatchObject({ status: 200, fault: undefined })
  const { kind, subject, alarm_id, detail } = exampleOf('AlarmReport') as Record<string, string>
  expect(alerts).toMatchObject([
    { labels: { alertname: kind, subject, alarm_id }, annotations: { summary: detail } },
  ])
  expect(Date.parse(alerts[0]?.endsAt ?? '')).toBeGreaterThan(Date.now())
  status = 503
  expect(await ground.routes.test(key)).toMatchObject({ status: 502 })
})
