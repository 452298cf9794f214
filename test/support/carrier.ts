import { createSocket, type Socket } from 'node:dgram'

export type Carrier = {
  readonly port: number
  /** How often it was asked whether it is there. */
  asked(): number
  /** Says nothing any more, though something listens there. */
  mute(): void
  /** Nobody listens there any more. */
  leave(): Promise<void>
  comeBack(): Promise<void>
}

/** The far end of a trunk that answers OPTIONS and takes no calls, as long as it is there. */
export async function startCarrier(): Promise<Carrier> {
  let socket: Socket | undefined
  let port = 0
  let asked = 0
  let isMute = false

  function answer(text: string, from: { address: string; port: number }): void {
    const [line = '', ...rest] = text.split('\r\n')
    if (!line.startsWith('OPTIONS ')) return
    asked += 1
    const repeated = rest.filter((each) =>
      /^(via|v|from|f|call-id|i|cseq):/i.test(each.replace(/\s*:/, ':')),
    )
    const to = rest.find((each) => /^(to|t)\s*:/i.test(each)) ?? ''
    const answered = [
      'SIP/2.0 200 OK',
      ...repeated,
      `${to};tag=carrier`,
      'Content-Length: 0',
      '',
      '',
    ]
    if (!isMute) socket?.send(answered.join('\r\n'), from.port, from.address)
  }

  async function listen(): Promise<void> {
    const fresh = createSocket('udp4')
    fresh.on('message', (message, from) => answer(message.toString('latin1'), from))
    await new Promise<void>((resolve) => fresh.bind(port, '127.0.0.1', resolve))
    port = fresh.address().port
    socket = fresh
    isMute = false
  }

  await listen()
  return {
    port,
    asked: () => asked,
    mute() {
      isMute = true
    },
    async leave() {
      const leaving = socket
      socket = undefined
      if (leaving === undefined) return
      await new Promise<void>((resolve) => leaving.close(resolve))
    },
    comeBack: listen,
  }
}
