import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { SipServer } from '../../../src/embedded/sip/sip-server.ts'
import { header } from '../../support/sip-text.ts'
import {
  type AppDialog,
  type AppRequest,
  type AppResponse,
  connectApp,
  createPhone,
  expectNothingLeft,
  type Phone,
  type ServerOptions,
  type Srf,
  sdp,
  startServer,
  type Target,
} from './sip-support.ts'

export type Act = (req: AppRequest, res: AppResponse) => void

/** A server with an app for the whole file, and a new phone for each test. */
export function useBench(options: ServerOptions = {}) {
  const verbs = ['invite', 'options', 'message', 'register', 'subscribe', 'info']
  /** What the app does with the next requests of a verb. */
  const acts = new Map<string, Act>()
  let server: SipServer | undefined
  let app: Srf | undefined
  let phone: Phone | undefined

  beforeAll(async () => {
    server = await startServer(options)
    const handler =
      (verb: string): Act =>
      (req, res) =>
        acts.get(verb)?.(req, res)
    const handlers = Object.fromEntries(verbs.map((verb) => [verb, handler(verb)]))
    app = await connectApp(server.addresses().client, handlers)
  })
  afterAll(async () => {
    await expectNothingLeft(the(server))
    app?.disconnect()
    await server?.stop()
  })
  beforeEach(async () => {
    phone = await createPhone()
  })
  afterEach(async () => {
    acts.clear()
    await phone?.close()
  })

  const bench = {
    acts,
    get server(): SipServer {
      return the(server)
    },
    get app(): Srf {
      return the(app)
    },
    get phone(): Phone {
      return the(phone)
    },
    get sip(): Target {
      return the(server).addresses().sip
    },
    /** The app answers the next call. */
    answering(more: object = {}): Promise<AppDialog> {
      return new Promise((resolve, reject) => {
        acts.set('invite', (req, res) => {
          bench.app.createUAS(req, res, { localSdp: sdp, ...more }).then(resolve, reject)
        })
      })
    },
    /** The phone ends a call that it has made. */
    async hangUp(ok: string, cseq = 2): Promise<void> {
      bench.phone.send(bench.phone.inside('BYE', ok, { cseq }), bench.sip)
      await bench.phone.expect('SIP/2.0 200')
    },
    /** The phone acknowledges that its INVITE was refused. */
    acknowledge(invite: string, refusal: string): void {
      const via = `Via: ${header(invite, 'via')}`
      const cseq = Number(header(refusal, 'cseq').split(' ')[0])
      bench.phone.send(bench.phone.inside('ACK', refusal, { cseq, via }), bench.sip)
    },
  }
  return bench
}

function the<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the bench has not been set up')
  return value
}

export function cancelOf(invite: string): string {
  return invite
    .slice(0, invite.indexOf('Content-Type:'))
    .replaceAll('INVITE', 'CANCEL')
    .concat('Content-Length: 0\r\n\r\n')
}
