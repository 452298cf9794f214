import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { createEventSealer } from '../../../src/cdr/stored-event.ts'
import { eventStream } from '../../../src/cdr/stream.ts'
import { aCall, aVault } from '../../support/call-events.ts'
import { startRedis } from '../../support/redis.ts'

test('the program in docs/receipt-queues.md reads call events and opens their numbers', async () => {
  const server = await startRedis()
  const dir = await mkdtemp(join(tmpdir(), 'axb-group-'))
  try {
    const redis = await server.client()
    await redis.call('ACL', ...(await userOfTheDocument()))
    const seal = createEventSealer(aVault())
    const call = aCall()
    for (const event of call) {
      await redis.xadd(eventStream, '*', 'id', event.id, 'event', seal(event))
    }
    const keyFile = join(dir, 'keys')
    await writeFile(keyFile, `# of the tests\ntest ${'07'.repeat(32)}\n`)
    const lines = await runUntil(call.length, {
      // A path: as ioredis has sockets.
      REDIS_URL: `${server.url.replace('unix://', '')}?username=books&password=secret`,
      AXBRIDGE_KEY_FILE: keyFile,
    })
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      call.map(({ id, type }) => ({ id, type, caller: '+8613800138000' })),
    )
    await expect.poll(async () => (await redis.xpending(eventStream, 'books'))[0]).toBe(0)
  } finally {
    await server.stop()
    await rm(dir, { recursive: true })
  }
})

const page = () => readFile('docs/receipt-queues.md', 'utf8')

async function programOfTheDocument(): Promise<string> {
  const blocks = [...(await page()).matchAll(/```js\n(import .*?)```/gs)]
  const [, program] = blocks[0] ?? []
  if (program === undefined) throw new Error('the program is not there any more')
  return program
}

async function userOfTheDocument(): Promise<readonly string[]> {
  const command = /`ACL (SETUSER [^`]+)`/.exec(await page())?.[1]
  if (command === undefined) throw new Error('the user is not there any more')
  return command.split(' ')
}

/** Its first lines; it is ended when they are there, after a moment for the acknowledgement. */
async function runUntil(count: number, env: Record<string, string>): Promise<readonly string[]> {
  const args = ['--input-type=module', '-e', await programOfTheDocument()]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let faults = ''
  child.stderr.on('data', (text) => {
    faults += String(text)
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === count) break
  }
  if (lines.length < count) throw new Error(`it ended: ${faults}`)
  setTimeout(() => child.kill(), 500)
  await exited
  return lines
}
