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
export type NetworkFault = 'repeats' | 'loses-first' | 'delays'

const copiesWhenRepeating = 3
/** Two messages that cross each other are both on their way for that long. Below T1, so that nothing is repeated. */
const delayMs = 200

/** Sends a packet on: as often and as late as the network has it arrive. */
type Deliver = (packet: LinePacket, send: () => void) => void

function createNetwork(fault: NetworkFault | undefined): Deliver {
  const known = new Set<string>()
  return (packet, send) => {
    switch (fault) {
      case undefined:
        return send()
      case 'delays':
        return void setTimeout(send, delayMs)
      case 'repeats':
        for (let copy = 1; copy < copiesWhenRepeating; copy++) {
          if (packet.towards === 'engine') send()
        }
        return send()
      case 'loses-first': {
        const text = packet.bytes.toString('latin1')
        if (known.has(text)) send()
        known.add(text)
      }
    }
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
  const deliver = createNetwork(options.fault)
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
    if (to !== undefined) deliver(packet, () => sendOn(socket, bytes, to))
  })
  return { port: socket.address().port, packets, close: () => socket.close() }
}

/** A packet that was delayed may find its line closed. */
function sendOn(socket: Socket, bytes: Buffer, to: Address): void {
  try {
    socket.send(bytes, to.port, to.host)
  } catch {
    // The scenario is over.
  }
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
  readonly deliver: Deliver
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
    if (to !== 'nobody') seat.deliver(packet, () => sendOn(socket, bytes, to))
  })
  return {
    port: socket.address().port,
    strangers,
    seat(number, phone, how = {}) {
      const deliver = createNetwork(how.fault)
      const seat: Seat = { number, phone, packets: [], onPacket: how.onPacket, deliver }
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
