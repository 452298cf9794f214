import type { Socket } from 'node:dgram'
import { connect, createServer, type Socket as TcpSocket } from 'node:net'
import { boundUdpSocket } from './ports.ts'
import { header, isRequest, startLine, userOf } from './sip-text.ts'

/**
 * Lines stand between SIPp and the engine and keep every byte in each direction. Nothing is changed on
 * the way. One line per caller; one line per trunk, shared by all callees, which is also how many
 * scenarios can run at the same time although the engine knows just a few trunks.
 */
export type LinePacket = {
  readonly towards: 'party' | 'engine'
  readonly atMs: number
  readonly bytes: Buffer
}

export type Address = { readonly host: string; readonly port: number }

/**
 * What the network does to the packets of a line. Repetition is for packets towards the engine only:
 * SIPp itself does not get on with it.
 */
export type NetworkFault = 'repeats' | 'loses-first'

const copiesWhenRepeating = 3

/** Tells how many copies of this packet arrive. */
function createNetwork(fault: NetworkFault | undefined): (packet: LinePacket) => number {
  const known = new Set<string>()
  return ({ bytes, towards }) => {
    if (fault === undefined) return 1
    if (fault === 'repeats') return towards === 'engine' ? copiesWhenRepeating : 1
    const text = bytes.toString('latin1')
    if (known.has(text)) return 1
    known.add(text)
    return 0
  }
}

export type CallerLine = {
  readonly port: number
  readonly packets: readonly LinePacket[]
  close(): void
}

export async function createCallerLine(options: {
  host: string
  engine: Address
  fault?: NetworkFault | undefined
  onPacket?: (packet: LinePacket) => void
}): Promise<CallerLine> {
  const { engine } = options
  const copies = createNetwork(options.fault)
  const socket = await boundUdpSocket(options.host)
  const packets: LinePacket[] = []
  let phone: Address | undefined
  socket.on('message', (bytes, from) => {
    const fromEngine = from.port === engine.port
    const packet: LinePacket = {
      towards: fromEngine ? 'party' : 'engine',
      atMs: performance.now(),
      bytes,
    }
    packets.push(packet)
    options.onPacket?.(packet)
    if (!fromEngine) phone = { host: from.address, port: from.port }
    const to = fromEngine ? phone : engine
    if (to === undefined) return
    for (let copy = copies(packet); copy > 0; copy--) socket.send(bytes, to.port, to.host)
  })
  return { port: socket.address().port, packets, close: () => socket.close() }
}

export type CalleeSeat = { readonly packets: readonly LinePacket[] }

export type TrunkLine = {
  readonly port: number
  /** The callee with this number sits at this SIPp port from now on; 'nobody': what comes is recorded and lost. */
  seat(
    number: string,
    phone: Address | 'nobody',
    options?: { fault?: NetworkFault | undefined; onPacket?: (packet: LinePacket) => void },
  ): CalleeSeat
  vacate(number: string): void
  /** Numbers that were called on this trunk though nobody was expected there. */
  readonly strangers: readonly string[]
  close(): void
}

type Seat = {
  readonly number: string
  readonly phone: Address | 'nobody'
  readonly packets: LinePacket[]
  readonly onPacket: ((packet: LinePacket) => void) | undefined
  readonly copies: (packet: LinePacket) => number
}

/** Numbers are written in different ways by different trunks; their last ten digits are what they share. */
const tail = (number: string) => number.replace(/\D/g, '').slice(-10)

export async function createTrunkLine(options: {
  host: string
  port?: number
}): Promise<TrunkLine> {
  const socket: Socket = await boundUdpSocket(options.host, options.port ?? 0)
  const seats = new Map<string, Seat>()
  const calls = new Map<string, { seat: Seat; engine: Address }>()
  const strangers: string[] = []

  const find = (message: string, from: Address) => {
    const callId = header(message, 'call-id')
    const known = calls.get(callId)
    if (known !== undefined || !isRequest(message, 'INVITE')) return known
    const called = userOf(startLine(message))
    const seat = seats.get(tail(called))
    if (seat === undefined) {
      strangers.push(called)
      return undefined
    }
    const call = { seat, engine: from }
    calls.set(callId, call)
    return call
  }
  socket.on('message', (bytes, from) => {
    const sender = { host: from.address, port: from.port }
    const call = find(bytes.toString('latin1'), sender)
    if (call === undefined) return
    const { seat, engine } = call
    const fromEngine = from.port === engine.port && from.address === engine.host
    const packet: LinePacket = {
      towards: fromEngine ? 'party' : 'engine',
      atMs: performance.now(),
      bytes,
    }
    seat.packets.push(packet)
    seat.onPacket?.(packet)
    const to = fromEngine ? seat.phone : engine
    if (to === 'nobody') return
    for (let copy = seat.copies(packet); copy > 0; copy--) socket.send(bytes, to.port, to.host)
  })
  return {
    port: socket.address().port,
    strangers,
    seat(number, phone, how = {}) {
      const copies = createNetwork(how.fault)
      const seat: Seat = { number, phone, packets: [], onPacket: how.onPacket, copies }
      seats.set(tail(number), seat)
      return { packets: seat.packets }
    },
    vacate: (number) => seats.delete(tail(number)),
    close: () => socket.close(),
  }
}

/** The same for one callee behind a TCP trunk: bytes are handed on as they come. */
export async function createTcpTrunkLine(options: { host: string; phone: () => Address }): Promise<{
  readonly port: number
  readonly packets: readonly LinePacket[]
  close(): Promise<void>
}> {
  const packets: LinePacket[] = []
  const open = new Set<TcpSocket>()
  const server = createServer((engineSide) => {
    const { host, port } = options.phone()
    const phoneSide = connect(port, host)
    const join = (from: TcpSocket, to: TcpSocket, towards: LinePacket['towards']) => {
      open.add(from)
      from.on('data', (bytes) => {
        packets.push({ towards, atMs: performance.now(), bytes })
        to.write(bytes)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.end()
      })
    }
    join(engineSide, phoneSide, 'party')
    join(phoneSide, engineSide, 'engine')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, options.host, () => resolve())
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given out')
  return {
    port: address.port,
    packets,
    close() {
      for (const each of open) each.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
