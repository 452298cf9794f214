import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger } from '../../src/platform/logger.ts'
import { createRedis, type Redis, redisReady } from '../../src/platform/redis.ts'
import { expectNoNumberBelow } from './at-rest.ts'

export type TestRedis = {
  readonly url: string
  /** A client like the engine's. Ended by `stop`, which a test need not do itself. */
  client(options?: { commandMsMax?: number }): Promise<Redis>
  /** kill -9, and waits until it is dead. */
  kill(): Promise<void>
  /** Starts it again on the files of before. */
  start(): Promise<void>
  /** Bytes in the append-only file: a mark to cut back to. */
  appended(): Promise<number>
  /** What a power cut does to an append-only file: everything after the mark is gone. Only while it is dead. */
  loseAfter(mark: number): Promise<void>
  stop(): Promise<void>
}

/** A private Redis with an append-only file, on a unix socket. */
export async function startRedis(): Promise<TestRedis> {
  const dir = await mkdtemp('/tmp/axb-redis-')
  const socket = join(dir, 'redis.sock')
  const url = `unix://${socket}`
  const clients: Redis[] = []
  let server: ChildProcess | undefined

  const client = async (options: { commandMsMax?: number } = {}) => {
    const made = createRedis({
      url,
      log: createLogger({ level: 'silent' }),
      name: 'test',
      ...options,
    })
    clients.push(made)
    await redisReady(made, 10_000)
    return made
  }
  const start = async () => {
    server = spawn('redis-server', serverSettings(dir, socket), { stdio: 'ignore' })
    const started = server
    const failed = new Promise<never>((_, reject) => {
      started.once('error', reject)
      started.once('exit', () => reject(new Error('redis-server ended')))
    })
    failed.catch(() => undefined)
    const probe = createRedis({ url, log: createLogger({ level: 'silent' }), name: 'probe' })
    try {
      await Promise.race([redisReady(probe, 10_000), failed])
    } finally {
      probe.disconnect()
    }
  }
  const kill = async () => {
    const ending = server
    server = undefined
    if (ending === undefined || ending.exitCode !== null) return
    const exited = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill('SIGKILL')
    await exited
  }
  const appendFile = async () => {
    const folder = join(dir, 'appendonlydir')
    const name = (await readdir(folder)).find((each) => each.endsWith('.incr.aof'))
    if (name === undefined) throw new Error('there is no append-only file')
    return join(folder, name)
  }

  await start()
  return {
    url,
    client,
    kill,
    start,
    async appended() {
      const file = await open(await appendFile(), 'r')
      try {
        return (await file.stat()).size
      } finally {
        await file.close()
      }
    },
    async loseAfter(mark) {
      const file = await open(await appendFile(), 'r+')
      try {
        await file.truncate(mark)
      } finally {
        await file.close()
      }
    },
    async stop() {
      for (const each of clients) each.disconnect()
      await kill()
      await expectNoNumberBelow(dir).finally(() => rm(dir, { recursive: true, force: true }))
    },
  }
}

function serverSettings(dir: string, socket: string): string[] {
  return [
    ...['--port', '0', '--unixsocket', socket, '--dir', dir, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--daemonize', 'no'],
  ]
}
