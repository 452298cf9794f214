import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { CliEnv } from '../../../src/cli/deps.ts'
import type { Finding } from '../../../src/cli/doctor/finding.ts'
import { runCli } from '../../../src/cli/program.ts'
import { type Embedded, startEmbedded } from '../../../src/embedded/start-embedded.ts'
import { startKafka } from '../../support/kafka.ts'
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'

/** The doctor against real parts: well, ill and away. */
let database: TestDatabase
let redis: TestRedis
let parts: Embedded
let data: string
let keyFile: string
let well: CliEnv
const servers: Server[] = []

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'axbridge-doctor-'))
  for (const name of ['journal', 'recordings']) await mkdir(join(data, name))
  keyFile = join(data, 'number-keys')
  await writeFile(keyFile, `k1 ${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o600 })
  const runtimeDir = join(data, 'runtime')
  ;[database, redis, parts] = await Promise.all([
    createTestDatabase(),
    startRedis(),
    startEmbedded({
      dataDir: runtimeDir,
      start: { postgres: false, redis: false, sip: true, media: true },
    }),
  ])
  well = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    DRACHTIO_URL: parts.drachtioUrl,
    FREESWITCH_URLS: parts.freeswitchUrls,
    AXBRIDGE_ADMIN_TOKEN: 'a-token-of-the-test',
    AXBRIDGE_DATA: data,
    HTTP_PORT: String(await freePort()),
  }
})

afterAll(async () => {
  for (const each of servers) each.close()
  await parts.stop()
  await redis.stop()
  await database.drop()
  await rm(data, { recursive: true, force: true })
})

async function doctor(env: CliEnv): Promise<{ code: number; findings: Finding[]; text: string }> {
  let text = ''
  const deps = {
    env,
    version: '1',
    out: (part: string) => {
      text += part
    },
    err: () => undefined,
    stopped: AbortSignal.abort(),
    fetch,
    serve: () => Promise.reject(new Error('not here')),
    migrate: () => Promise.reject(new Error('not here')),
    embedded: () => Promise.reject(new Error('not here')),
    useEvents: () => Promise.reject(new Error('not here')),
    tailCalls: async function* () {},
  }
  const code = await runCli(deps, ['doctor', '--json'])
  return { code, findings: JSON.parse(text) as Finding[], text }
}

const of = (findings: readonly Finding[], part: string) =>
  findings.filter((each) => each.part.startsWith(part))

test('when everything is well it says so of every part', async () => {
  const { code, findings } = await doctor(well)
  expect(findings.filter((each) => each.status === 'fail')).toEqual([])
  expect(code).toBe(0)
  const good = findings.filter((each) => each.status === 'ok').map((each) => each.part)
  const expected = [
    'settings',
    'postgres',
    'schema',
    'clock',
    'redis',
    'redis persistence',
    'redis memory',
    'http port',
    'key file',
  ]
  expect(good).toEqual(expect.arrayContaining(expected))
  expect(of(findings, 'drachtio')[0]).toMatchObject({ status: 'ok' })
  expect(of(findings, 'freeswitch')[0]).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(/^accepts us, SIP profile drachtio_mrf at 127\.0\.0\.1:\d+$/),
  })
})

test('where there is a Kafka it says whether that lets us in, and nothing of it elsewhere', async () => {
  expect(of((await doctor(well)).findings, 'kafka')).toEqual([])
  const kafka = await startKafka(1)
  const there = { ...well, KAFKA_BROKERS: kafka.brokers.join(',') }
  expect(of((await doctor(there)).findings, 'kafka')).toMatchObject([{ status: 'ok' }])
  const locked = { KAFKA_SASL: 'plain', KAFKA_USERNAME: 'us', KAFKA_PASSWORD: 'secret-horse' }
  const { findings, text } = await doctor({ ...there, ...locked })
  expect(of(findings, 'kafka')).toMatchObject([
    { status: 'fail', detail: 'not reachable: the broker does not offer SASL, or is too old' },
  ])
  expect(text).not.toContain('horse')
  await kafka.stop()
})

test('for people it is one line each, with what to do', async () => {
  let text = ''
  let fault = ''
  const deps = {
    env: { ...well, DATABASE_URL: 'postgres://axbridge:secret@127.0.0.1:1/axbridge' },
    version: '1',
    out: (part: string) => {
      text += part
    },
    err: (part: string) => {
      fault += part
    },
    stopped: AbortSignal.abort(),
    fetch,
    serve: () => Promise.reject(new Error('not here')),
    migrate: () => Promise.reject(new Error('not here')),
    embedded: () => Promise.reject(new Error('not here')),
    useEvents: () => Promise.reject(new Error('not here')),
    tailCalls: async function* () {},
  }
  expect(await runCli(deps, ['doctor'])).toBe(1)
  expect(text).toMatch(/^ok {4}settings: complete and valid$/m)
  expect(text).toMatch(/^FAIL {2}postgres: not reachable: .*: start it, or correct DATABASE_URL$/m)
  expect(text).not.toContain('secret')
  expect(fault).toMatch(/^error: 1 of \d+ checks failed\n$/)
})

test('parts that are away are named, all in one run', async () => {
  const { code, findings, text } = await doctor({
    ...well,
    DATABASE_URL: 'postgres://axbridge:secret@127.0.0.1:1/axbridge',
    REDIS_URL: 'redis://:secret@127.0.0.1:1',
    DRACHTIO_URL: 'drachtio://:secret@127.0.0.1:1',
    FREESWITCH_URLS: 'freeswitch://:secret@127.0.0.1:1,freeswitch://:secret@127.0.0.1:2',
  })
  expect(code).toBe(1)
  const failed = findings.filter((each) => each.status === 'fail').map((each) => each.part)
  expect(failed).toEqual([
    'postgres',
    'redis',
    'drachtio 127.0.0.1:1',
    'freeswitch 127.0.0.1:1',
    'freeswitch 127.0.0.1:2',
  ])
  expect(text).not.toContain('secret')
  expect(findings.every((each) => each.status === 'ok' || each.todo !== undefined)).toBe(true)
})

test('settings that are missing do not stop the checks of those that are there', async () => {
  const { code, findings } = await doctor({ REDIS_URL: redis.url, AXBRIDGE_DATA: data })
  expect(code).toBe(1)
  const faults = of(findings, 'settings').map((each) => each.detail)
  expect(faults).toEqual(expect.arrayContaining(['DATABASE_URL is not set']))
  expect(of(findings, 'redis')[0]).toMatchObject({ status: 'ok' })
})

test('a wrong secret is told from a server that is away', async () => {
  const { findings } = await doctor({
    ...well,
    DRACHTIO_URL: withPassword(parts.drachtioUrl, 'wrong'),
    FREESWITCH_URLS: withPassword(parts.freeswitchUrls, 'wrong'),
  })
  expect(of(findings, 'drachtio')[0]).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('refuses us'),
  })
  expect(of(findings, 'freeswitch')[0]).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('refuses us'),
  })
})

test('an empty database and one from the future are told', async () => {
  const empty = await doctor({ ...well, DATABASE_URL: inject('postgresUrl') })
  expect(of(empty.findings, 'schema')[0]).toMatchObject({
    status: 'fail',
    todo: 'run "axbridge migrate"',
  })
  const rename = (from: string, to: string) =>
    database.sql.rows({
      name: `rename-${from}`,
      text: 'update schema_migration set name = $2 where name = $1',
      values: [from, to],
    })
  const [first] = await database.sql.rows<{ name: string }>({
    name: 'first-migration',
    text: 'select name from schema_migration order by id limit 1',
    values: [],
  })
  const name = first?.name ?? ''
  await rename(name, '9999_later')
  try {
    const { findings } = await doctor(well)
    expect(of(findings, 'schema')[0]).toMatchObject({
      status: 'fail',
      detail: `not up to date: ${name}`,
    })
  } finally {
    await rename('9999_later', name)
  }
})

test('a Redis that may forget is told', async () => {
  const client = await redis.client()
  await client.config('SET', 'appendonly', 'no')
  await client.config('SET', 'maxmemory', '1gb')
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  try {
    const { code, findings } = await doctor(well)
    expect(code).toBe(1)
    expect(of(findings, 'redis persistence')[0]).toMatchObject({ status: 'warn' })
    expect(of(findings, 'redis memory')[0]).toMatchObject({ status: 'fail' })
  } finally {
    await client.config('SET', 'maxmemory-policy', 'noeviction')
    await client.config('SET', 'maxmemory', '0')
    await client.config('SET', 'appendonly', 'yes')
  }
})

test('a key file that others can read, that is broken or missing is told', async () => {
  const keyFinding = async () => of((await doctor(well)).findings, 'key file')[0]
  await chmod(keyFile, 0o644)
  expect(await keyFinding()).toMatchObject({ status: 'fail', todo: `chmod 600 ${keyFile}` })
  await chmod(keyFile, 0o600)
  const missing = await doctor({ ...well, AXBRIDGE_KEY_FILE: join(data, 'none') })
  expect(of(missing.findings, 'key file')[0]).toMatchObject({ status: 'fail' })
  const broken = join(data, 'broken')
  await writeFile(broken, 'k1 tooshort\n', { mode: 0o600 })
  const { findings, text } = await doctor({ ...well, AXBRIDGE_KEY_FILE: broken })
  expect(of(findings, 'key file')[0]).toMatchObject({ status: 'fail' })
  expect(text).not.toContain('tooshort')
})

test('a folder that is not there yet is a warning, one that can not be written a failure', async () => {
  const { findings } = await doctor({ ...well, RECORDINGS_DIR: join(data, 'later') })
  expect(of(findings, 'recordings folder')[0]).toMatchObject({ status: 'warn' })
  const { findings: bad } = await doctor({ ...well, JOURNAL_DIR: '/proc/1' })
  expect(of(bad, 'journal')[0]).toMatchObject({ status: 'fail' })
})

test('a port that is taken is told from one that a running AXBridge has', async () => {
  const other = await listening(() => undefined)
  const taken = await doctor({ ...well, HTTP_PORT: String(other) })
  expect(of(taken.findings, 'http port')[0]).toMatchObject({
    status: 'fail',
    todo: 'stop it, or set another HTTP_PORT',
  })
  const body = '{"status":"alive"}'
  const head = `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`
  const ours = await listening((socket) => void socket.end(head + body))
  const running = await doctor({ ...well, HTTP_PORT: String(ours) })
  expect(of(running.findings, 'http port')[0]).toMatchObject({ status: 'ok' })
})

test('something else on the port is told, and a server that says nothing does not hang the doctor', async () => {
  const silent = await listening(() => undefined)
  const talking = await listening((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const rude = await listening(
    (socket) => void socket.write('Content-Type: text/rude-rejection\n\n'),
  )
  const { findings } = await doctor({
    ...well,
    DRACHTIO_URL: `drachtio://:x@127.0.0.1:${silent},drachtio://:x@127.0.0.1:${talking}`,
    FREESWITCH_URLS: `freeswitch://:x@127.0.0.1:${silent},freeswitch://:x@127.0.0.1:${rude}`,
  })
  for (const each of [...of(findings, 'drachtio'), ...of(findings, 'freeswitch')]) {
    expect(each.status).toBe('fail')
  }
  expect(of(findings, `freeswitch 127.0.0.1:${rude}`)[0]?.detail).toBe('refuses our address')
})

function withPassword(url: string | undefined, password: string): string {
  return (url ?? '').replace(/:[^:@/]+@/, `:${password}@`)
}

async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).resume()
    onConnection(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
