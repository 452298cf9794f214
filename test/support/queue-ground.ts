import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type { AccountId, CallId, PoolKey } from '../../src/domain/ids.ts'
import { mnsSignature } from '../../src/http/mns/mns-request.ts'
import type { Sql } from '../../src/platform/sql.ts'
import type { Vault } from '../../src/platform/vault.ts'
import type { MessageType } from '../../src/receipts/receipt-types.ts'
import { storeReceipts } from '../../src/receipts/store.ts'
import { use } from './at-rest.ts'
import type { Credentials } from './rpc-clients.ts'

type Json = Record<string, unknown>
type MnsAnswer<Body> = { readonly code: number; readonly body: Body }
export type MnsMessage = Readonly<Record<string, string>>

/** What we use of the vendor's own queue client. */
export type MnsClient = {
  receiveMessage(queue: string, waitSeconds?: number): Promise<MnsAnswer<MnsMessage>>
  batchReceiveMessage(
    queue: string,
    count: number,
    waitSeconds?: number,
  ): Promise<MnsAnswer<MnsMessage[]>>
  peekMessage(queue: string): Promise<MnsAnswer<MnsMessage>>
  batchPeekMessage(queue: string, count: number): Promise<MnsAnswer<MnsMessage[]>>
  deleteMessage(queue: string, handle: string): Promise<MnsAnswer<undefined>>
  batchDeleteMessage(
    queue: string,
    handles: readonly string[],
  ): Promise<MnsAnswer<MnsMessage[] | undefined>>
  changeMessageVisibility(
    queue: string,
    handle: string,
    seconds: number,
  ): Promise<MnsAnswer<MnsMessage>>
  getQueueAttributes(queue: string): Promise<MnsAnswer<MnsMessage>>
  sendMessage(queue: string, message: Json): Promise<unknown>
  createQueue(queue: string, attributes: Json): Promise<unknown>
  deleteQueue(queue: string): Promise<unknown>
}

// It brings no types.
const require = createRequire(import.meta.url)
const Mns: new (accountId: string, options: Json) => MnsClient = require('@alicloud/mns')

export type MnsCredentials = Credentials & { readonly securityToken?: string }

/** The vendor's client, unmodified. */
export function mnsClient(base: string, { id, secret, securityToken }: MnsCredentials): MnsClient {
  return new Mns('1943695596114318', {
    ...{ accessKeyId: id, accessKeySecret: secret, endpoint: base },
    ...(securityToken === undefined ? {} : { securityToken }),
  })
}

/** What `MessageBody` holds. */
export function bodyOf(message: MnsMessage): Json {
  const text = message['MessageBody'] ?? ''
  const md5 = createHash('md5').update(text).digest('hex').toUpperCase()
  if (md5 !== message['MessageBodyMD5']) throw new Error('the body is not what its MD5 says')
  return JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Json
}

export type QueueGiven = {
  readonly name: string
  readonly accountId?: string
  readonly type?: MessageType
  readonly isDefault?: boolean
  readonly visibilitySeconds?: number
  readonly retentionSeconds?: number
}

export async function addQueue(sql: Sql, given: QueueGiven): Promise<void> {
  await sql.rows({
    name: 'test.add-queue',
    text: `insert into receipt_queue
             (name, account_id, message_type, is_default, visibility_seconds, retention_seconds)
           values ($1, $2, $3, $4, $5, $6)`,
    values: [
      ...[given.name, given.accountId ?? 'main', given.type ?? 'SecretReport'],
      ...[given.isDefault ?? true, given.visibilitySeconds ?? 30],
      given.retentionSeconds ?? 3_600,
    ],
  })
}

let told = 0
const phone = '13700137000'

/** As many receipts, as the fan-out stores them, and their ids as they stand in the bodies. */
export async function tell(
  ground: { sql: Sql; vault: Vault },
  count: number,
  { accountId = 'main', type = 'SecretReport' as MessageType } = {},
): Promise<readonly string[]> {
  use(phone)
  const ids = Array.from({ length: count }, () => {
    told += 1
    return `call-${told}:end`
  })
  await storeReceipts(
    ground.sql,
    ground.vault,
    ids.map((id) => ({
      accountId: accountId as AccountId,
      type,
      eventId: id,
      revision: 1,
      callId: id.slice(0, -4) as CallId,
      poolKey: 'FC100000000000001' as PoolKey,
      happenedAt: new Date(),
      body: { id, phone_no: phone, city: '杭州' },
    })),
  )
  return ids
}

export type HandSigned = {
  readonly method?: string
  readonly path: string
  readonly body?: string
  /** Added or put in the place of the usual ones; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
}

/** Signed by hand, for what the client would not send. */
export async function askMns(base: string, key: Credentials, asked: HandSigned) {
  const method = asked.method ?? 'GET'
  const date = new Date().toUTCString()
  const usual = {
    date,
    'x-mns-date': date,
    'x-mns-version': '2015-06-06',
    'content-type': asked.body === undefined ? undefined : 'text/xml',
  }
  const given = Object.entries({ ...usual, ...asked.headers })
  const headers = Object.fromEntries(
    given.filter((each): each is [string, string] => each[1] !== undefined),
  )
  const own = Object.keys(headers)
    .filter((name) => name.startsWith('x-mns-'))
    .sort()
    .map((name) => `${name}:${headers[name]}\n`)
  const lines = ['content-md5', 'content-type', 'date'].map((name) => headers[name] ?? '')
  const text = `${[method, ...lines].join('\n')}\n${own.join('')}${asked.path}`
  const authorization = `MNS ${key.id}:${mnsSignature(text, key.secret)}`
  const answer = await fetch(base + asked.path, {
    method,
    headers: { ...('authorization' in (asked.headers ?? {}) ? {} : { authorization }), ...headers },
    ...(asked.body === undefined ? {} : { body: asked.body }),
    ...(asked.signal === undefined ? {} : { signal: asked.signal }),
  })
  const xml = await answer.text()
  const code = /<(?:Error)?Code>([^<]*)</.exec(xml)?.[1]
  return { status: answer.status, type: answer.headers.get('content-type'), xml, code }
}
