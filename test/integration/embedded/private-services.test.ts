import { type ChildProcess, spawn } from 'node:child_process'
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { identify, isAlive, processesIn } from '../../../src/embedded/process-identity.ts'
import { type Embedded, startEmbedded } from '../../../src/embedded/start-embedded.ts'
import { ordinaryUid } from '../../support/ordinary-user.ts'

const isRoot = process.getuid?.() === 0
const services = { postgres: true, redis: true, sip: false, media: false }
const patient = { timeout: 20_000, interval: 20 }

let home: string
let dataDir: string
const ending: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'axb-'))
  dataDir = join(home, '.data')
})

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
  await rm(home, { recursive: true, force: true })
})

async function start(
  options: Partial<Parameters<typeof startEmbedded>[0]> = {},
): Promise<Embedded> {
  const runtime = await startEmbedded({ dataDir, start: services, durable: false, ...options })
  ending.push(() => runtime.stop())
  return runtime
}

/** Another process that runs the services, so that it can be killed; where we are root it can be another user. */
async function hold(uid?: number): Promise<{
  holder: ChildProcess
  exited: Promise<unknown>
  facts: { pids: { postgres: number; redis: number }; databaseUrl: string; redisUrl: string }
}> {
  const script = join(import.meta.dirname, '../../support/hold-runtime.ts')
  const user = uid === undefined || !isRoot ? [] : [String(uid)]
  const args = ['--import', 'tsx', script, dataDir, ...user]
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise((resolve) => holder.once('exit', resolve))
  ending.push(async () => {
    holder.kill('SIGKILL')
    await exited
  })
  const facts = await new Promise<string>((resolve, reject) => {
    createInterface({ input: holder.stdout }).once('line', resolve)
    holder.once('exit', (code) => reject(new Error(`the holder ended with ${code}`)))
  })
  return { holder, exited, facts: JSON.parse(facts) }
}

async function inPostgres<T>(url: string | undefined, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows as T[]
  } finally {
    await client.end()
  }
}

async function inRedis<T>(url: string | undefined, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url ?? '', { lazyConnect: true })
  await redis.connect()
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

const alive = (pid: number) => identify(pid) !== undefined

test('data is kept between starts, and a stop leaves no process and no socket', async () => {
  const first = await start({ durable: true })
  await inPostgres(first.databaseUrl, 'create table kept as select 42 as answer')
  await inRedis(first.redisUrl, (redis) => redis.set('kept', 'yes'))
  const pids = Object.values(first.pids())
  expect(pids).toHaveLength(2)
  await first.stop()
  expect(pids.filter(alive)).toEqual([])
  expect(await readdir(join(dataDir, 'run'))).toEqual([])
  expect(await readdir(dataDir)).not.toContain('sockets')
  expect(await readdir(join(dataDir, 'postgres'))).not.toContain('postmaster.pid')

  const second = await start({ durable: true })
  expect(await inPostgres(second.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  expect(await inRedis(second.redisUrl, (redis) => redis.get('kept'))).toBe('yes')
})

test('Redis keeps an append-only file that is synced every second', async () => {
  const { redisUrl } = await start()
  const settings = await inRedis(redisUrl, (redis) => redis.config('GET', 'append*'))
  expect(settings).toEqual(expect.arrayContaining(['appendonly', 'yes', 'appendfsync', 'everysec']))
})

test('neither service opens a port', async () => {
  const { databaseUrl, redisUrl } = await start()
  const [row] = await inPostgres<{ listen: string }>(
    databaseUrl,
    "select current_setting('listen_addresses') as listen",
  )
  expect(row?.listen).toBe('')
  expect(await inRedis(redisUrl, (redis) => redis.config('GET', 'port'))).toEqual(['port', '0'])
})

test('the services end when the process that started them is killed', async () => {
  const { holder, exited, facts } = await hold()
  holder.kill('SIGKILL')
  await exited
  await vi.waitFor(() => expect(Object.values(facts.pids).filter(alive)).toEqual([]), patient)
  await start()
})

test('a crash of everything at once does not stop the next start', async () => {
  const { holder, exited, facts } = await hold()
  await inPostgres(facts.databaseUrl, 'create table kept as select 42 as answer')
  holder.kill('SIGKILL')
  process.kill(facts.pids.postgres, 'SIGKILL')
  process.kill(facts.pids.redis, 'SIGKILL')
  await exited

  const runtime = await start()
  expect(await inPostgres(runtime.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a pid file that names a stranger does not stop the start, nor hurt the stranger', async () => {
  await (await start()).stop()
  const stranger = spawn('sleep', ['60'])
  ending.push(async () => stranger.kill())
  const file = join(dataDir, 'postgres/postmaster.pid')
  await writeFile(file, `${stranger.pid}\n${dataDir}\n`)
  await writeFile(
    join(dataDir, 'run/redis.json'),
    JSON.stringify({ pid: stranger.pid, startedAt: 'another boot/1' }),
  )
  await start()
  expect(await readFile(file, 'utf8')).not.toContain(String(stranger.pid))
  expect(alive(stranger.pid ?? 0)).toBe(true)
})

test('a process that an earlier run left behind is found and ended', async () => {
  await (await start()).stop()
  const left = spawn('sleep', ['60'])
  const identity = identify(left.pid ?? 0)
  if (identity === undefined) throw new Error('sleep did not start')
  await writeFile(join(dataDir, 'run/redis.json'), JSON.stringify(identity))
  await start()
  await vi.waitFor(() => expect(isAlive(identity)).toBe(false), patient)
})

test('a second runtime in the same folder is refused, and the first goes on', async () => {
  const first = await start()
  await expect(start()).rejects.toThrow(`in use by process ${process.pid}`)
  expect(await inPostgres(first.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a part that dies is reported and started again at the same address', async () => {
  const died = vi.fn()
  const runtime = await start({ restart: true, onExit: died })
  const { postgres, redis } = runtime.pids()
  await Promise.all([runtime.kill('postgres'), runtime.kill('redis')])
  await vi.waitFor(() => {
    const now = runtime.pids()
    expect(Object.keys(now).sort()).toEqual(['postgres', 'redis'])
    expect([now.postgres, now.redis]).not.toEqual([postgres, redis])
  }, patient)
  expect(died).toHaveBeenCalledWith('postgres', 'was ended by SIGKILL')
  expect(died).toHaveBeenCalledWith('redis', 'was ended by SIGKILL')
  expect(await inPostgres(runtime.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a part that dies stays down when nobody asked for more, until it is started again', async () => {
  const runtime = await start()
  await runtime.kill('redis')
  expect(runtime.pids()).not.toHaveProperty('redis')
  await runtime.restart('redis')
  expect(await inRedis(runtime.redisUrl, (redis) => redis.ping())).toBe('PONG')
})

test('a data folder with a long or odd name is no obstacle', async () => {
  dataDir = join(home, `a folder with spaces ${'and a long name '.repeat(8)}`, '.data')
  const runtime = await start()
  expect(await inPostgres(runtime.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await inRedis(runtime.redisUrl, (redis) => redis.ping())).toBe('PONG')
  const [, socket = ''] = runtime.redisUrl?.split('unix://') ?? []
  await runtime.stop()
  await expect(stat(join(socket, '..'))).rejects.toThrow('ENOENT')
})

test('half a cluster from a start that was cut off is thrown away', async () => {
  await mkdir(join(dataDir, 'postgres.new/base'), { recursive: true })
  await start()
  expect(await readdir(dataDir)).not.toContain('postgres.new')
})

test('an ordinary user can run the services', async () => {
  if (isRoot) await chown(home, ordinaryUid, ordinaryUid)
  const { facts, holder, exited } = await hold(ordinaryUid)
  const { uid } = await stat(join(dataDir, 'postgres'))
  expect(uid).toBe(isRoot ? ordinaryUid : process.getuid?.())
  expect(await inPostgres(facts.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
  holder.kill('SIGTERM')
  await exited
  expect(processesIn(join(dataDir, 'postgres'))).toEqual([])
})

test('what belongs to somebody else is refused in words, and root leaves nothing behind that does', async () => {
  if (!isRoot) {
    await expect(start({ dataDir: '/usr' })).rejects.toThrow('belongs to another user')
    return
  }
  await chown(home, ordinaryUid, ordinaryUid)
  const asRoot = await start()
  await inPostgres(asRoot.databaseUrl, 'create table kept as select 42 as answer')
  await writeFile(join(dataDir, 'written-by-root'), '')
  await asRoot.stop()

  const { facts } = await hold(ordinaryUid)
  expect(await inPostgres(facts.databaseUrl, 'select answer from kept')).toEqual([{ answer: 42 }])
  expect((await stat(join(dataDir, 'written-by-root'))).uid).toBe(ordinaryUid)
})

test('the services run below a folder that nobody else may enter, and never as root', async () => {
  expect((await stat(home)).mode & 0o777).toBe(0o700)
  const runtime = await start()
  expect((await stat(join(dataDir, 'postgres'))).uid).not.toBe(0)
  expect(await inPostgres(runtime.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }])
})
