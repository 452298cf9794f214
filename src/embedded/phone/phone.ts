import type { Codec } from '../media/g711.ts'
import { createTicker } from '../media/ticker.ts'
import { within } from '../media/within.ts'
import { createUserAgent, type Dialog, type HeaderPair, type Incoming } from '../sip/user-agent.ts'
import { PhoneCall } from './phone-call.ts'
import { PhoneMedia } from './phone-media.ts'
import { createSipDiary, type DiaryEntry } from './sip-diary.ts'

export type PhoneOptions = {
  readonly host: string
  /** Any free port when absent. */
  readonly sipPort?: number
  /** The number in From and Contact. */
  readonly user: string
  readonly displayName?: string
  readonly codecs?: readonly Codec[]
  /** A call comes in: `ring`, `accept`, `reject`. Without this the phone is busy. */
  onCall?(call: PhoneCall): void
  log?(text: string): void
}

export type DialOptions = {
  /** The number or user to call. */
  readonly to: string
  /** `127.0.0.1:5060`: where the INVITE goes. */
  readonly viaHostPort: string
  /** The number to show instead of the phone's own. */
  readonly from?: string
  readonly headers?: readonly HeaderPair[]
  readonly transport?: 'udp' | 'tcp'
}

export type Phone = {
  start(): Promise<void>
  stop(): Promise<void>
  /** Where it listens, for a trunk to call. */
  readonly address: { readonly host: string; readonly port: number }
  call(options: DialOptions): Promise<PhoneCall>
  readonly calls: readonly PhoneCall[]
  /** All SIP messages sent and received so far. */
  readonly diary: readonly DiaryEntry[]
}

/** Who does not answer a BYE by then will not. */
const farewellMsMax = 1000

/** A telephone for demos and tests: it calls, answers, speaks, listens, and remembers everything. */
export function createPhone(options: PhoneOptions): Phone {
  const { host, user, codecs = ['PCMU', 'PCMA'], displayName, log = () => undefined } = options
  const ticker = createTicker()
  const diary = createSipDiary()
  const calls: PhoneCall[] = []
  const byDialog = new Map<Dialog, PhoneCall>()
  const agent = createUserAgent({
    host,
    port: options.sipPort ?? 0,
    transports: ['udp', 'tcp'],
    userAgent: 'axbridge-phone',
    onRequest(incoming) {
      diary.note('received', incoming.request)
      if (incoming.dialog !== undefined) inside(incoming, incoming.dialog)
      else if (incoming.request.method === 'INVITE') void ringing(incoming)
      else if (incoming.request.method !== 'ACK') incoming.respond({ status: 200, reason: 'OK' })
    },
  })

  async function newCall(): Promise<PhoneCall> {
    const startedAt = performance.now()
    const sinceMs = () => performance.now() - startedAt
    const media = await PhoneMedia.open({ host, codecs, ticker, sinceMs })
    const call = new PhoneCall({
      agent,
      diary,
      media,
      startedAt,
      onOver: (over) => log(`call over after ${Math.round(over.times.ended ?? 0)} ms`),
    })
    calls.push(call)
    return call
  }

  async function ringing(incoming: Incoming): Promise<void> {
    const call = await newCall()
    call.take(incoming)
    log(`called by ${incoming.request.uri}`)
    if (options.onCall === undefined) call.reject(486, 'Busy Here')
    else options.onCall(call)
  }

  function inside(incoming: Incoming, dialog: Dialog): void {
    const call = byDialog.get(dialog) ?? calls.find((each) => each.dialog === dialog)
    if (call === undefined) {
      incoming.respond({ status: 481, reason: 'Call/Transaction Does Not Exist' })
      return
    }
    byDialog.set(dialog, call)
    call.onRequest(incoming)
    if (call.isOver) byDialog.delete(dialog)
  }

  return {
    calls,
    diary: diary.entries,
    get address() {
      const { udp } = agent.addresses()
      return { host, port: udp?.port ?? 0 }
    },
    async start() {
      await agent.start()
    },
    async stop() {
      await within(farewellMsMax, Promise.all(calls.map((call) => call.hangUp())))
      ticker.stop()
      for (const call of calls) call.media.close()
      await agent.stop()
    },
    async call({ to, viaHostPort, from = user, headers = [], transport = 'udp' }) {
      const call = await newCall()
      const contact = `<sip:${from}@${host}:${agent.addresses().udp?.port ?? 0}>`
      call.dial({
        uri: `sip:${to}@${viaHostPort}`,
        nextHop: `sip:${viaHostPort};transport=${transport}`,
        headers: [['From', fromValue(from, host, displayName)], ['Contact', contact], ...headers],
      })
      return call
    },
  }
}

function fromValue(user: string, host: string, displayName: string | undefined): string {
  const address = `<sip:${user}@${host}>`
  return displayName === undefined ? address : `"${displayName}" ${address}`
}
