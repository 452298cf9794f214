import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

/**
 * A customer in a process of its own that may be killed: takes what is pushed and pulls what is in
 * its queues, and writes each receipt to a file before it says that it has it.
 */
type Setup = {
  readonly file: string
  readonly port: number
  readonly api: string
  readonly key: { readonly id: string; readonly secret: string }
  readonly queues: { readonly starts: string; readonly ends: string }
}

type Message = Readonly<Record<'MessageBody' | 'ReceiptHandle' | 'EnqueueTime', string>>
type Client = {
  batchReceiveMessage(queue: string, count: number, wait: number): Promise<{ body: Message[] }>
  batchDeleteMessage(queue: string, handles: readonly string[]): Promise<unknown>
}
// It brings no types.
const Mns: new (accountId: string, options: object) => Client = createRequire(import.meta.url)(
  '@alicloud/mns',
)

const atOnce = 16
const setup = JSON.parse(process.argv[2] ?? '{}') as Setup

function keep(way: 'push' | 'queue', receipts: readonly object[]): void {
  const lines = receipts.map((receipt) => `${JSON.stringify({ way, ...receipt })}\n`)
  appendFileSync(setup.file, lines.join(''))
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => void chunks.push(chunk))
  request.on('end', () => {
    const bodies = JSON.parse(Buffer.concat(chunks).toString('utf8')) as object[]
    keep(
      'push',
      bodies.map((body) => ({ body })),
    )
    response.setHeader('content-type', 'application/json').end('{"code":0,"msg":"ok"}')
  })
})
server.listen(setup.port, '127.0.0.1')

const client = new Mns('1943695596114318', {
  accessKeyId: setup.key.id,
  accessKeySecret: setup.key.secret,
  endpoint: setup.api,
})

async function receive(queue: string, wait: number): Promise<Message[]> {
  try {
    return (await client.batchReceiveMessage(queue, atOnce, wait)).body
  } catch (err) {
    // Also when the server is away: it is asked again.
    if (!(err instanceof Error && err.message.includes('MessageNotExist'))) await pause()
    return []
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 200))

async function take(queue: string, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return
  keep(
    'queue',
    messages.map((each) => ({
      body: JSON.parse(Buffer.from(each.MessageBody, 'base64').toString('utf8')) as object,
      queuedMs: Number(each.EnqueueTime),
    })),
  )
  const handles = messages.map((each) => each.ReceiptHandle)
  await client.batchDeleteMessage(queue, handles).catch(() => undefined)
}

/** What had begun before these calls ended is in the other queue by now: it is taken first. */
async function read(): Promise<void> {
  const { starts, ends } = setup.queues
  const ended = await receive(ends, 1)
  let begun: Message[]
  do {
    begun = await receive(starts, 0)
    await take(starts, begun)
  } while (begun.length === atOnce)
  await take(ends, ended)
}

for (;;) await read()
