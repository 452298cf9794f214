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

/** Fails with the name of the port when somebody else has it. */
export async function claimPort({ host, port, protocols, choose }: PortClaim): Promise<void> {
  if (port === 0) return
  const taken = await whatTakes({ host, port, protocols })
  if (taken !== undefined) throw new Error(`port ${taken} is taken; ${choose} to choose another`)
}

/** The first free one from `port` upwards. */
export async function freePortFrom(wanted: Omit<PortClaim, 'choose'>): Promise<number> {
  const triesMax = 100
  for (let port = wanted.port; port < wanted.port + triesMax; port += 1) {
    if ((await whatTakes({ ...wanted, port })) === undefined) return port
  }
  throw new Error(`no port between ${wanted.port} and ${wanted.port + triesMax} is free`)
}

/** Such as `5060/udp`; undefined when the port is free for all of the protocols. */
async function whatTakes(wanted: Omit<PortClaim, 'choose'>): Promise<string | undefined> {
  const { host, port, protocols } = wanted
  for (const protocol of protocols) {
    const fault = await (protocol === 'udp' ? tryUdp(host, port) : tryTcp(host, port))
    if (fault?.code === 'EADDRINUSE') return `${port}/${protocol}`
    if (fault === undefined) continue
    throw new Error(`port ${port}/${protocol} of ${host} cannot be used: ${fault.message}`, {
      cause: fault,
    })
  }
  return undefined
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
