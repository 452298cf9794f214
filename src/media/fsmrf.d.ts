/** What we call of drachtio-fsmrf 4.1, which brings no types. Read in its source. */
declare module 'drachtio-fsmrf' {
  import type { EventEmitter } from 'node:events'

  namespace Mrf {
    type ApiReply = { getBody(): string }

    interface EslConnection {
      /** Fire and forget. */
      send(command: string): void
      api(command: string, args: string | readonly string[], done: (reply: ApiReply) => void): void
    }

    interface Dialog {
      readonly connected: boolean
      /** Never counted down when a re-INVITE is refused: whoever sees the refusal must. */
      readonly _reinvitesInProgress: { count: number }
      modify(sdp: string): Promise<string>
      destroy(): Promise<unknown>
      on(event: 'destroy', handler: (bye?: { get(name: string): string | undefined }) => void): void
    }

    interface Endpoint extends EventEmitter {
      readonly uuid: string
      readonly local: { readonly sdp: string }
      /** Null once the event socket has closed. */
      readonly conn: EslConnection | null
      /** Null once destroyed. */
      readonly dialog: Dialog | null
      execute(
        app: string,
        arg: string,
        done: (err: Error | null, event?: { getHeader(name: string): string }) => void,
      ): this
      destroy(): Promise<void>
    }

    interface MediaServer extends EventEmitter {
      readonly conn: EslConnection
      connected(): boolean
      createEndpoint(options: {
        remoteSdp?: string
        headers?: Record<string, string>
      }): Promise<Endpoint>
      api(command: string): Promise<string>
      disconnect(): void
    }
  }

  class Mrf {
    constructor(srf: object)
    connect(options: {
      address: string
      port: number
      secret: string
      listenAddress: string
      listenPort: number
      advertisedAddress?: string
      advertisedPort?: number
    }): Promise<Mrf.MediaServer>
  }

  export = Mrf
}
