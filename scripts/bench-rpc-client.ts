import { randomUUID } from 'node:crypto'
import {
  percentEncoded,
  sha256Hex,
  signatureAcs3,
  stringToSignAcs3,
} from '../src/http/rpc/signing.ts'
import { openLines, textIn } from './bench-line.ts'
import { aAt, bAt } from './bench-people.ts'
import { runHelper, timed } from './bench-process.ts'

export type RpcSetup = {
  readonly port: number
  readonly token: string
  readonly key: { readonly id: string; readonly secret: string }
  readonly poolKey: string
  readonly inFlight: number
}

/** `query` asks for what the last `bind` of the same way has made, one after the other. Done: how many per second. */
export type RpcTask = { readonly via: 'rpc' | 'v1'; readonly count: number } & (
  | { readonly do: 'bind'; readonly from: number }
  | { readonly do: 'query' }
)

type Bound = { readonly id: string; readonly x: string }

const emptyHash = sha256Hex('')

/** In the style of current SDKs: everything in the query of a POST, signed in the headers. */
function signed(setup: RpcSetup, action: string, parameters: Record<string, string>): Buffer {
  const query = Object.entries(parameters)
  const headers: Record<string, string> = {
    host: `127.0.0.1:${setup.port}`,
    'x-acs-action': action,
    'x-acs-content-sha256': emptyHash,
    'x-acs-date': new Date().toISOString().replace(/\.\d+/, ''),
    'x-acs-signature-nonce': randomUUID(),
    'x-acs-version': '2017-05-25',
  }
  const signedHeaders = Object.keys(headers)
  const stringToSign = stringToSignAcs3({
    ...{ method: 'POST', path: '/', query, signedHeaders, bodyHash: emptyHash },
    header: (name) => headers[name],
  })
  const signature = signatureAcs3(stringToSign, setup.key.secret)
  const authorization = `ACS3-HMAC-SHA256 Credential=${setup.key.id},SignedHeaders=${signedHeaders.join(';')},Signature=${signature}`
  const text = query.map(([name, value]) => `${name}=${percentEncoded(value)}`).join('&')
  const lines = Object.entries({ ...headers, authorization }).map((pair) => pair.join(': '))
  return Buffer.from(
    `POST /?${text} HTTP/1.1\r\n${lines.join('\r\n')}\r\ncontent-length: 0\r\n\r\n`,
  )
}

function plain({ port, token }: RpcSetup, head: string, body = ''): Buffer {
  const type = body === '' ? '' : `content-type: application/json\r\n`
  return Buffer.from(
    `${head} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\n${type}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

const livesMs = 24 * 3_600_000

function bindRequest(setup: RpcSetup, via: RpcTask['via'], at: number): Buffer {
  const { poolKey } = setup
  const expires = new Date(Date.now() + livesMs)
  if (via === 'v1') {
    const parties = { phoneA: aAt(at), phoneB: bAt(at) }
    const expiresAt = expires.toISOString()
    return plain(setup, 'POST /v1/bindings', JSON.stringify({ poolKey, ...parties, expiresAt }))
  }
  const beijing = new Date(expires.getTime() + 8 * 3_600_000).toISOString()
  return signed(setup, 'BindAxb', {
    PoolKey: poolKey,
    PhoneNoA: aAt(at).slice(3),
    PhoneNoB: bAt(at).slice(3),
    Expiration: beijing.slice(0, 19).replace('T', ' '),
  })
}

function queryRequest(setup: RpcSetup, via: RpcTask['via'], { id, x }: Bound): Buffer {
  if (via === 'v1') return plain(setup, `GET /v1/bindings/${id}`)
  const named = { PoolKey: setup.poolKey, SubsId: id, PhoneNoX: x }
  return signed(setup, 'QuerySubscriptionDetail', named)
}

function boundIn(answer: string, via: RpcTask['via']): Bound {
  return via === 'v1'
    ? { id: textIn(answer, 'id'), x: textIn(answer, 'x') }
    : { id: textIn(answer, 'SubsId'), x: textIn(answer, 'SecretNo') }
}

/** Requests are signed before the clock starts. */
runHelper<RpcSetup, RpcTask, number>(async (setup) => {
  const lines = await openLines(setup.port, setup.inFlight)
  let bound: Bound[] = []

  async function ask(request: Buffer, via: RpcTask['via'], status: string): Promise<string> {
    const answer = await lines.ask(request, via === 'rpc' ? '200' : status)
    if (via === 'rpc' && textIn(answer, 'Code') !== 'OK') throw new Error(answer)
    return answer
  }

  return {
    async do(task) {
      const { via, count } = task
      if (task.do === 'bind') {
        bound = []
        const requests = Array.from({ length: count }, (_, at) =>
          bindRequest(setup, via, task.from + at),
        )
        const jobs = requests.map((request) => async () => {
          bound.push(boundIn(await ask(request, via, '201'), via))
        })
        return timed(jobs, setup.inFlight)
      }
      const requests = Array.from({ length: count }, (_, at) => {
        const asked = bound[at % bound.length]
        if (asked === undefined) throw new Error('nothing was bound')
        return queryRequest(setup, via, asked)
      })
      const jobs = requests.map((request) => async () => {
        await ask(request, via, '200')
      })
      return timed(jobs, setup.inFlight)
    },
    close: async () => lines.close(),
  }
})
