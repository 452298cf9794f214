import { EventEmitter } from 'node:events'
import type Mrf from 'drachtio-fsmrf'
import type { MediaHost } from '../../../src/media/hosts.ts'

export const pcma = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.1',
  's=-',
  't=0 0',
  'm=audio 4000 RTP/AVP 8',
  '',
].join('\r\n')

export type FakeEndpoint = ReturnType<typeof aFakeEndpoint>

/** An end in FreeSWITCH as drachtio-fsmrf shows it: what it is told is remembered, and answered as scripted. */
export function aFakeEndpoint(name: string) {
  const said: string[] = []
  const executed: {
    app: string
    arg: string
    done: (err: Error | null, response?: string) => void
  }[] = []
  const script = {
    apiReply: (_command: string): string | undefined => '+OK',
    modify: async (_sdp: string): Promise<string> => `sdp of ${name}, modified`,
  }
  const dialog = Object.assign(new EventEmitter(), {
    connected: true,
    _reinvitesInProgress: { count: 0 },
    modify(sdp: string) {
      said.push(`modify ${sdp}`)
      this._reinvitesInProgress.count += 1
      return script.modify(sdp)
    },
    destroy: async () => void said.push('BYE'),
  })
  const endpoint = Object.assign(new EventEmitter(), {
    uuid: name,
    local: { sdp: `sdp of ${name}` },
    dialog: dialog as typeof dialog | null,
    conn: {
      send: (command: string) => void said.push(command),
      api(command: string, args: readonly string[], done: (reply: Mrf.ApiReply) => void) {
        said.push([command, ...args].join(' '))
        const body = script.apiReply(command)
        if (body !== undefined) done({ getBody: () => body })
      },
    } as Mrf.EslConnection | null,
    execute(app: string, arg: string, done: FakeDone) {
      executed.push({
        app,
        arg,
        done: (err, response) =>
          done(err, response === undefined ? undefined : { getHeader: () => response }),
      })
    },
    destroy: async () => void said.push('hangup'),
  })
  return {
    said,
    executed,
    script,
    dialog,
    endpoint: endpoint as unknown as Mrf.Endpoint,
    /** Its host died: the event socket is gone. */
    die() {
      endpoint.conn = null
      endpoint.emit('destroy')
    },
    /** FreeSWITCH hangs up, with or without a cause on the event socket. */
    hangUp: (event?: { reason: string }) => endpoint.emit('destroy', event),
    bye: (reason: string) => dialog.emit('destroy', { get: () => reason }),
    begin: () => endpoint.emit('playback-start'),
    close() {
      endpoint.conn = null
      endpoint.dialog = null
    },
  }
}

type FakeDone = (err: Error | null, event?: { getHeader(name: string): string }) => void

/** A host that opens what it is scripted to; `undefined` is never answered. */
export function aFakeHost(name: string, given: { load?: number; up?: boolean } = {}) {
  const lost = new Set<() => void>()
  const opened: FakeEndpoint[] = []
  const asked: { remoteSdp?: string }[] = []
  const script = {
    create: (at: number): Promise<FakeEndpoint> =>
      Promise.resolve(aFakeEndpoint(`${name}-${at === 0 ? 'caller' : 'callee'}`)),
  }
  const host: MediaHost = {
    name,
    up: given.up ?? true,
    load: given.load ?? 0,
    server: {
      createEndpoint(options: { remoteSdp?: string }) {
        asked.push(options)
        return script.create(asked.length - 1).then((fake) => {
          opened.push(fake)
          return fake.endpoint
        })
      },
    } as unknown as Mrf.MediaServer,
    onLost(handler) {
      lost.add(handler)
      return () => lost.delete(handler)
    },
    close: () => undefined,
  }
  return {
    host,
    script,
    opened,
    asked,
    listeners: () => lost.size,
    lose: () => {
      for (const handler of [...lost]) handler()
    },
  }
}
