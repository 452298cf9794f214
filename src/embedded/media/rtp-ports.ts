import { createSocket, type Socket } from 'node:dgram'

/** The even ports of the configured range. A taken one (by another program) is stepped over, not an error. */
export type RtpPorts = {
  /** Undefined when the range is used up. */
  open(host: string): Promise<Socket | undefined>
  close(socket: Socket): void
  readonly inUse: number
}

/** Skips the look-up that `send` makes even for a plain address. */
const noLookup = (
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
) => done(null, address, 4)

export function createRtpPorts(range: { min: number; max: number }): RtpPorts {
  const first = range.min + (range.min % 2)
  const count = Math.max(0, Math.floor((range.max - first) / 2) + 1)
  const taken = new Set<number>()
  // Walks around the range, so that late packets of an ended call do not reach the next one.
  let next = 0

  function take(): number | undefined {
    for (let tried = 0; tried < count; tried++) {
      const port = first + 2 * next
      next = (next + 1) % count
      if (taken.has(port)) continue
      taken.add(port)
      return port
    }
    return undefined
  }

  return {
    async open(host) {
      for (let tried = 0; tried < count; tried++) {
        const port = take()
        if (port === undefined) return undefined
        const socket = await bind(host, port)
        if (socket !== undefined) return socket
        taken.delete(port)
      }
      return undefined
    },
    close(socket) {
      taken.delete(socket.address().port)
      socket.close()
    },
    get inUse() {
      return taken.size
    },
  }
}

/** For somebody with a call or two and no range to keep to. */
export async function openAnyRtpSocket(host: string): Promise<Socket> {
  const socket = await bind(host, 0)
  if (socket === undefined) throw new Error(`no UDP port to be had on ${host}`)
  return socket
}

function bind(host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', lookup: noLookup })
    socket.once('error', () => {
      socket.close()
      resolve(undefined)
    })
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}
