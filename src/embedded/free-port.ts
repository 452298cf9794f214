import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

type PortClaim = {
  readonly host: string
  /** 0 means any free one, and needs no check. */
  readonly port: number
  readonly protocols: readonly ('udp' | 'tcp')[]
  /** What to do about it, for the message. */
  readonly choose: string
}

/** Fails with the name of the port and of its setting when somebody else has it. */
export async function claimPort({ host, port, protocols, choose }: PortClaim): Promise<void> {
  if (port === 0) return
  for (const protocol of protocols) {
    const fault = await (protocol === 'udp' ? tryUdp(host, port) : tryTcp(host, port))
    if (fault === undefined) continue
    if (fault.code === 'EADDRINUSE') {
      throw new Error(`port ${port}/${protocol} is taken; ${choose} to choose another`)
    }
    throw new Error(`port ${port}/${protocol} of ${host} cannot be used: ${fault.message}`, {
      cause: fault,
    })
  }
}

function tryTcp(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (err) => resolve(err))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

function tryUdp(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', (err) => {
      socket.close()
      resolve(err)
    })
    socket.bind({ address: host, port, exclusive: true }, () =>
      socket.close(() => resolve(undefined)),
    )
  })
}
