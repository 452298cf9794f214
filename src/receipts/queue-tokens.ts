import { randomBytes } from 'node:crypto'
import { DomainError } from '../domain/errors.ts'
import type { AccountId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'

/** A key for a while, for reading one queue. */
export type QueueToken = {
  readonly keyId: string
  readonly secret: string
  /** Holds all the rest, sealed: any process that has our keys can check it. */
  readonly securityToken: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

export type QueueTokenHolder = {
  readonly keyId: string
  readonly secret: string
  readonly accountId: AccountId
  readonly queue: string
  /** The access key that it was made with. Without that one it is good for nothing. */
  readonly issuedTo: string
  readonly expiresAt: Date
}

export type QueueTokens = {
  /** `queue` undefined: the default one of the type. Refuses when the account has no such queue. */
  issue(asked: {
    accountId: AccountId
    accessKeyId: string
    messageType: string
    queue: string | undefined
  }): Promise<QueueToken>
  /** Undefined: none of ours. One that has expired opens: see `expiresAt`. */
  open(securityToken: string): QueueTokenHolder | undefined
}

const goodForMs = 3_600_000
const about = 'queue token'
/** Far longer than ours are, and not worth opening. */
const lengthMax = 2_000

export function createQueueTokens(deps: {
  sql: Sql
  vault: Pick<Vault, 'sealText' | 'openText'>
  clock: Clock
}): QueueTokens {
  const { sql, vault, clock } = deps

  return {
    async issue({ accountId, accessKeyId, messageType, queue }) {
      const [found] = await sql.rows<{ name: string }>({
        name: 'queue-tokens.queue',
        text: `
          select name from receipt_queue
           where account_id = $1 and message_type::text = $2
             and case when $3::text is null then is_default else name = $3 end`,
        values: [accountId, messageType, queue],
      })
      if (found === undefined) throw queueUnknown()
      const createdAt = clock.now()
      const expiresAt = new Date(createdAt.getTime() + goodForMs)
      const keyId = `STS.${randomBytes(12).toString('hex')}`
      const secret = randomBytes(24).toString('base64url')
      const held = [keyId, secret, accountId, found.name, accessKeyId, expiresAt.getTime()]
      const securityToken = vault.sealText(JSON.stringify(held), about)
      return { keyId, secret, securityToken, createdAt, expiresAt }
    },

    open(securityToken) {
      if (securityToken.length > lengthMax) return undefined
      try {
        const held = JSON.parse(vault.openText(securityToken, about)) as Held
        const [keyId, secret, accountId, queue, issuedTo, expiresMs] = held
        return { keyId, secret, accountId, queue, issuedTo, expiresAt: new Date(expiresMs) }
      } catch {
        return undefined
      }
    },
  }
}

type Held = [string, string, AccountId, string, string, number]

const queueUnknown = () =>
  new DomainError(
    'queue-unknown',
    404,
    'This account has no such queue for this MessageType. Make it first, or leave QueueName out for the default one.',
    { vendorCode: 'isv.QUEUE_NOT_EXIST' },
  )
