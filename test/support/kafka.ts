import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('./kafka-broker.py', import.meta.url))

/** Of the protocol. */
export const produceApi = 0
export const errors = { notLeader: 6, tooLarge: 10, topicDenied: 29 } as const

export type KafkaRead = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly ts: number
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Record<string, unknown>
}

export type TestKafka = {
  readonly brokers: readonly string[]
  /** See kafka-broker.py. Resolves when it is done. */
  order(line: string): Promise<void>
  /** All that is in a topic, by partition, read with a client that is not ours. */
  read(topic: string): Promise<readonly KafkaRead[]>
  stop(): Promise<void>
}

/** A cluster of brokers on ports of loopback: librdkafka's, which is not ours and knows no kafkajs. */
export async function startKafka(brokerCount = 1): Promise<TestKafka> {
  const child = spawn('python3', [program, String(brokerCount)], {
    // It warns that it has no brokers itself.
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the Kafka brokers have ended; are python3 and kcat here?')
    return value
  }
  const brokers = (await next()).split(',')
  let last: Promise<unknown> = Promise.resolve()

  return {
    brokers,
    async order(line) {
      last = last.then(async () => {
        child.stdin.write(`${line}\n`)
        await next()
      })
      await last
    },
    read: (topic) => readTopic(brokers, topic),
    stop: () => ended(child),
  }
}

/** `given`: what kcat is told besides. */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  given: readonly string[] = [],
): Promise<KafkaRead[]> {
  const from = ['-b', brokers.join(','), '-t', topic, '-o', 'beginning', '-e', '-q', '-J', ...given]
  const { stdout } = await promisify(execFile)('kcat', ['-C', ...from], {
    timeout: 20_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  const read = stdout.split('\n').filter((line) => line !== '')
  return read.map((line) => {
    const { payload, headers, ...rest } = JSON.parse(line)
    const pairs: string[] = headers ?? []
    const named = pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1]]] : []))
    return { ...rest, headers: Object.fromEntries(named), body: JSON.parse(payload) }
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
