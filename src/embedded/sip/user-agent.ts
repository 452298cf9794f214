import { networkInterfaces } from 'node:os'
import { repeatAck, sendAck } from './acking.ts'
import type { Incoming } from './answering.ts'
import type { HeaderPair } from './building.ts'
import { type Outgoing, type RequestOptions, sendRequest } from './calling.ts'
import { parseCSeq } from './check.ts'
import {
  type Core,
  createDialogTable,
  type NotSent,
  type OnDialogEnded,
  type Trap,
} from './core.ts'
import type { Dialog } from './dialog.ts'
import { header, type SipResponse } from './message.ts'
import { Receiving } from './receiving.ts'
import { standardTimers, type Timers } from './timers.ts'
import { Transactions } from './transactions.ts'
import type { TransportName } from './transport.ts'
import { tagOf } from './uri.ts'

export type UserAgentOptions = {
  readonly host: string
  readonly port: number
  readonly transports: readonly TransportName[]
  /** The address to show in Via and Contact; by default the one bound. */
  readonly advertise?: string
  readonly timers?: Partial<Timers>
  readonly userAgent?: string
  /** The shortest session timer to agree to, 90 s unless a test is in a hurry (RFC 4028 4). */
  readonly sessionSecondsMin?: number
  readonly traps?: readonly Trap[]
  readonly onRequest: (incoming: Incoming) => void
  readonly onDialogEnded?: OnDialogEnded
}

export type UserAgent = ReturnType<typeof createUserAgent>

/** A whole SIP user agent core: transactions and dialogs, both ways. Knows nothing of who uses it. */
export function createUserAgent(options: UserAgentOptions) {
  const core: Core = createCore(options, () => transactions)
  const receiving = new Receiving(core, options.onRequest)
  const transactions = new Transactions({
    host: options.host,
    port: options.port,
    transports: options.transports,
    timers: core.timers,
    events: {
      onRequest: receiving.onRequest,
      onCancel: receiving.onCancel,
      onAck: receiving.onAck,
      onStrayResponse: (response) => repeatLateAck(core, response),
    },
  })
  const { dialogs } = core

  return {
    start: () => transactions.transport.start(),
    async stop(): Promise<void> {
      for (const each of [...dialogs.all()]) dialogs.remove(each)
      await transactions.stop()
    },
    addresses: () => transactions.transport.addresses(),
    /** Our own address as shown to the other side. */
    local: core.local,
    request: (wanted: RequestOptions): Outgoing | NotSent => sendRequest(core, wanted),
    ack: (dialog: Dialog, ack: { headers?: readonly HeaderPair[]; body?: string } = {}) =>
      sendAck(core, dialog, ack),
    /** Drop a dialog without a word to the other side. */
    forget: (dialog: Dialog): void => dialogs.remove(dialog),
    counts: () => ({ ...transactions.counts(), dialogs: dialogs.size() }),
  }
}

function createCore(options: UserAgentOptions, transactions: () => Transactions): Core {
  const dialogs = createDialogTable()
  const shownHost = options.advertise ?? hostToShow(options.host)
  const core: Core = {
    timers: { ...standardTimers, ...options.timers },
    dialogs,
    userAgent: options.userAgent,
    sessionSecondsMin: options.sessionSecondsMin ?? 90,
    traps: new Set(options.traps),
    get transactions() {
      return transactions()
    },
    local(transport) {
      const bound = transactions().transport.addresses()[transport]
      return { host: shownHost, port: bound?.port ?? options.port }
    },
    contact(transport) {
      const { host, port } = core.local(transport)
      return `<sip:${host}:${port}${transport === 'tcp' ? ';transport=tcp' : ''}>`
    },
    bye(dialog, why) {
      const headers: HeaderPair[] = [['Reason', `SIP;cause=200;text="${why}"`]]
      const sent = sendRequest(core, { dialog, method: 'BYE', headers })
      if (!sent.ok) dialogs.remove(dialog)
      return sent.ok ? sent.request : undefined
    },
    hangUp(dialog, why) {
      if (dialog.state === 'over') return
      const bye = core.bye(dialog, why)
      if (bye !== undefined) options.onDialogEnded?.(dialog, bye, why)
    },
    refresh(dialog, { headers, onFinal }) {
      const onResponse = (response: SipResponse): void => {
        if (response.status < 200) return
        if (response.status < 300) sendAck(core, dialog, {})
        onFinal(response)
      }
      const body = dialog.localSdp
      sendRequest(core, { dialog, method: 'INVITE', headers, body, onResponse })
    },
  }
  return core
}

/** A 2xx that comes when its transaction is gone still wants its ACK. */
function repeatLateAck(core: Core, response: SipResponse): void {
  const cseq = parseCSeq(header(response, 'cseq'))
  if (cseq?.method !== 'INVITE' || response.status < 200 || response.status > 299) return
  const local = tagOf(header(response, 'from') ?? '') ?? ''
  const remote = tagOf(header(response, 'to') ?? '') ?? ''
  const dialog = core.dialogs.find(header(response, 'call-id') ?? '', local, remote)
  if (dialog !== undefined) repeatAck(core, dialog, cseq.number)
}

/** Bound to every address, we still have to name one. */
function hostToShow(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const family = host === '::' ? 'IPv6' : 'IPv4'
  return all.find((each) => each.family === family && !each.internal)?.address ?? '127.0.0.1'
}

export type { Dialog, HeaderPair, Incoming, Outgoing }
