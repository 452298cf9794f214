import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { startChild } from './child-process.ts'
import type { PartProgram } from './part.ts'
import { ownFolder, type ServiceAccount } from './service-account.ts'

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const socketOf = (socketDir: string) => join(socketDir, 'redis.sock')

export function redisUrl(socketDir: string): string {
  return `unix://${socketOf(socketDir)}`
}

/** A private Redis on a unix socket and on no port, with the append-only file as in production. */
export async function createRedisServer(options: {
  readonly dataDir: string
  readonly socketDir: string
  readonly logDir: string
  readonly account: ServiceAccount
}): Promise<PartProgram> {
  const { account, socketDir } = options
  const data = join(options.dataDir, 'redis')
  await ownFolder(data, account)

  return {
    name: 'redis',
    endSteps: [
      ['SIGTERM', 20_000],
      ['SIGKILL', 5000],
    ],
    launch: () =>
      startChild({
        command: ['redis-server', ...settings(data, socketOf(socketDir))],
        setpriv: account.setpriv,
        deathSignal: 'TERM',
        logFile: join(options.logDir, 'redis.log'),
        cwd: '/',
        env,
      }),
    async ready(_child, signal) {
      while (!signal.aborted) {
        if (await answers(socketOf(socketDir))) return
        await sleep(20)
      }
    },
  }
}

function settings(data: string, socket: string): readonly string[] {
  const pairs: Readonly<Record<string, string>> = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: data,
    daemonize: 'no',
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    // Records are deleted by us or by their time to live, never because memory is short.
    'maxmemory-policy': 'noeviction',
    loglevel: 'notice',
    // Debian's redis reads no configuration file here; this keeps `ps` and our own checks readable.
    'set-proc-title': 'no',
  }
  return Object.entries(pairs).flatMap(([name, value]) => [`--${name}`, value])
}

async function answers(path: string): Promise<boolean> {
  const redis = new Redis({
    path,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout: 2000,
  })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}
