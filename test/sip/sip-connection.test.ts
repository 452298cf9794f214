import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, startEngine } from '../support/engine.ts'
import { play } from '../support/play.ts'
import { until } from '../support/ports.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'
import { createWorld, type World } from '../support/world.ts'

let runtime: Runtime
let wire: Wire
let engine: Engine
let world: World

beforeAll(async () => {
  runtime = await startRuntime()
  const server = new URL(runtime.drachtioUrl)
  wire = await createWire({ host: server.hostname, port: Number(server.port) })
  server.port = String(wire.port)
  engine = await startEngine(runtime, { env: { DRACHTIO_URL: server.href } })
  world = await createWorld(engine, runtime)
})

afterAll(async () => {
  world?.close()
  await engine?.stop()
  wire?.close()
  await runtime?.stop()
})

test('the connection to the SIP server breaks during a call: both sides get their BYE when it is back', async () => {
  const entry = {
    id: 'cut',
    story: 'The engine loses its SIP server in mid-call; the server lives on.',
    caller: 'uac/wait-for-bye',
    callees: ['uas/answer'],
  }
  const cast = world.cast(0)
  await world.prepare(entry, cast)
  const playing = play(entry, cast, world.stage)
  await until('the call is answered', async () => {
    const live = await engine.api.liveCalls()
    return live.some((call) => call.startTime !== undefined)
  })
  wire.cut()
  expect(await playing).toMatchObject({ callerFault: undefined, calleeFaults: [] })
  await until('the record is closed', async () => {
    const [record] = await engine.api.callsTo(cast.x)
    return record?.releaseReason === 'caller-lost'
  })
})

type Wire = { readonly port: number; cut(): void; close(): void }

/** A wire between the engine and its SIP server that can be cut; it is whole again at once. */
async function createWire(target: { host: string; port: number }): Promise<Wire> {
  const ends = new Set<Socket>()
  const server: Server = createServer((near) => {
    const far = connect(target)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const cut = () => {
    for (const end of ends) end.destroy()
    ends.clear()
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut,
    close() {
      server.close()
      cut()
    },
  }
}
