import { connect, type Socket as TcpSocket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ground, heldBy, startGround } from '../support/ground.ts'
import { hostileMessages } from '../support/hostile.ts'
import { createOrdinaryCalls, type OrdinaryCalls } from '../support/ordinary-calls.ts'
import { boundUdpSocket, until } from '../support/ports.ts'

let ground: Ground
let calls: OrdinaryCalls

beforeAll(async () => {
  ground = await startGround()
  calls = await createOrdinaryCalls(ground.engine, ground.runtime)
})

afterAll(async () => {
  await ground?.stop()
})

const ordinary = { callsPerSecond: 10, calls: 60, holdSeconds: 1 }

describe('good calls beside hostile input', () => {
  test.each([
    ['from a trunk', '127.0.0.1'],
    ['from an unknown address', '127.0.0.3'],
  ])('over UDP %s', async (_, host) => {
    const before = ground.runtime.embedded.pids()
    const [result] = await Promise.all([calls.run(ordinary), pour(host)])
    expect(result).toMatchObject({ attempted: 60, completed: 60, refused: {}, failed: 0 })
    expect(ground.runtime.embedded.pids()).toEqual(before)
    expect(await ground.engine.api.isReady()).toBe(true)
  })

  test('over TCP, in pieces, cut off and never finished', async () => {
    const before = ground.runtime.embedded.pids()
    const [result] = await Promise.all([calls.run(ordinary), pourTcp()])
    expect(result).toMatchObject({ attempted: 60, completed: 60, refused: {}, failed: 0 })
    expect(ground.runtime.embedded.pids()).toEqual(before)
  })

  test('and nothing of it is left', async () => {
    await until(
      'no call is up',
      async () => (await ground.engine.api.liveCalls()).length === 0,
      20_000,
    )
    const open = await ground.engine.api
      .callsSince(new Date(0))
      .then((all) => all.filter((call) => call.releaseTime === undefined))
    expect(open).toEqual([])
    await until(
      'nothing is held',
      async () => {
        const held = await heldBy(ground.runtime)
        return (held['media endpoints'] ?? 0) === 0 && (held['sip dialogs'] ?? 0) === 0
      },
      45_000,
      500,
    )
  })
})

const rounds = 3

const messages = () =>
  hostileMessages().filter((each) => ground.runtime.isEmbedded || each.endsRealServer !== true)

async function pour(host: string): Promise<void> {
  const socket = await boundUdpSocket(host)
  const { sip } = ground.runtime
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { bytes } of messages()) {
        await new Promise<void>((sent) => socket.send(bytes, sip.port, sip.host, () => sent()))
        await pause(6)
      }
    }
  } finally {
    socket.close()
  }
}

/** One connection each: whole, then half of it and silence, then byte by byte. */
async function pourTcp(): Promise<void> {
  const open: TcpSocket[] = []
  const dial = () => {
    const socket = connect(ground.runtime.sip.port, ground.runtime.sip.host)
    socket.on('error', () => undefined)
    socket.resume()
    open.push(socket)
    return socket
  }
  for (const [at, { bytes }] of messages().entries()) {
    const socket = dial()
    if (at % 3 === 0) socket.end(bytes)
    else if (at % 3 === 1) socket.write(bytes.subarray(0, bytes.length / 2))
    else for (const byte of bytes.subarray(0, 60)) socket.write(Uint8Array.of(byte))
    await pause(5)
  }
  for (const socket of open) socket.destroy()
}

/** Spreads the input over the good calls' time; nothing waits for it. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
