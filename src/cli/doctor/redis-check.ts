import { Redis } from 'ioredis'
import { type Finding, fail, ok, reasonOf, warn } from './finding.ts'

const part = 'redis'
/** Streams with everything that the queue uses. */
const versionMin = [6, 2] as const

export async function checkRedis(url: string): Promise<Finding[]> {
  const options = {
    lazyConnect: true,
    connectTimeout: 3_000,
    commandTimeout: 3_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectionName: 'axbridge-doctor',
  }
  const redis = url.startsWith('unix://')
    ? new Redis(url.slice('unix://'.length), options)
    : new Redis(url, options)
  let lastError: unknown
  redis.on('error', (err) => {
    lastError = err
  })
  try {
    await redis.connect()
    const facts = factsOf(await redis.info())
    return [version(facts), persistence(facts), eviction(facts)]
  } catch (err) {
    const reason = reasonOf(lastError ?? err)
    return [fail(part, `not reachable: ${reason}`, 'start it, or correct REDIS_URL')]
  } finally {
    redis.disconnect()
  }
}

type Facts = Readonly<Record<string, string>>

function factsOf(info: string): Facts {
  const lines = info.split('\r\n').map((line) => line.split(':'))
  return Object.fromEntries(lines.map(([name = '', ...value]) => [name, value.join(':')]))
}

function version(facts: Facts): Finding {
  const text = facts['redis_version'] ?? '0'
  const [major = 0, minor = 0] = text.split('.').map(Number)
  const fits = major > versionMin[0] || (major === versionMin[0] && minor >= versionMin[1])
  return fits
    ? ok(part, `reachable, version ${text}`)
    : fail(part, `version ${text} is too old`, `upgrade to ${versionMin.join('.')} or newer`)
}

/** Call events wait in a stream until Postgres has them: what Redis forgets in a crash is replayed only as far as the journal reaches back. */
function persistence(facts: Facts): Finding {
  if (facts['aof_enabled'] !== '1') {
    return warn('redis persistence', 'append-only file is off', 'set "appendonly yes"')
  }
  return facts['aof_last_write_status'] === 'err'
    ? fail('redis persistence', 'its last write failed', 'see its log and its disk')
    : ok('redis persistence', 'append-only file is on')
}

function eviction(facts: Facts): Finding {
  const policy = facts['maxmemory_policy'] ?? 'unknown'
  const limited = (facts['maxmemory'] ?? '0') !== '0'
  if (policy === 'noeviction') return ok('redis memory', 'maxmemory-policy is noeviction')
  const todo = 'set "maxmemory-policy noeviction"'
  const detail = `maxmemory-policy is ${policy}: queued call events can be thrown away`
  return limited ? fail('redis memory', detail, todo) : warn('redis memory', detail, todo)
}
