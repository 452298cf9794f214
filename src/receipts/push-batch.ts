import type { Vault } from '../platform/vault.ts'
import type { DueReceipt } from './push-lanes.ts'
import type { PushRequest } from './push-post.ts'
import { deliveryIdOf, signatureOf } from './push-signature.ts'
import { type PushTarget, secretOf } from './push-target.ts'
import type { MessageType } from './receipt-types.ts'
import { openBody } from './store.ts'

/** What is about to be pushed, in clear: for the receiver only. */
export type Opened = { readonly id: string; readonly body: string; readonly happenedAt: Date }

/** Those that open, and the ids of those that do not because their key is gone. */
export function openAll(
  vault: Pick<Vault, 'openText'>,
  type: MessageType,
  rows: readonly DueReceipt[],
): { opened: readonly Opened[]; unreadable: readonly string[] } {
  const opened: Opened[] = []
  const unreadable: string[] = []
  for (const { id, body_sealed, happened_at } of rows) {
    try {
      opened.push({ id, body: openBody(vault, type, body_sealed), happenedAt: happened_at })
    } catch {
      unreadable.push(id)
    }
  }
  return { opened, unreadable }
}

/** A JSON array, whose bytes are signed with the time of this try. */
export function requestOf(
  vault: Pick<Vault, 'openText'>,
  target: Pick<PushTarget, 'accountId' | 'type' | 'url' | 'secrets' | 'timeoutMs'>,
  given: { bodies: readonly string[]; deliveryId: string; now: Date },
): PushRequest {
  const body = Buffer.from(`[${given.bodies.join(',')}]`)
  const timestamp = Math.floor(given.now.getTime() / 1000)
  const secrets = target.secrets.map((each) => vault.openText(each, secretOf(target)))
  return {
    url: target.url,
    timeoutMs: target.timeoutMs,
    body,
    headers: {
      'content-type': 'application/json;charset=utf-8',
      accept: 'application/json',
      'user-agent': 'axbridge',
      'x-axbridge-message-type': target.type,
      'x-axbridge-delivery': given.deliveryId,
      'x-axbridge-timestamp': String(timestamp),
      'x-axbridge-signature': signatureOf(secrets, { timestamp, body }),
    },
  }
}

export function batchRequest(
  vault: Pick<Vault, 'openText'>,
  target: PushTarget,
  { opened, now }: { opened: readonly Opened[]; now: Date },
): PushRequest {
  const bodies = opened.map(({ body }) => body)
  return requestOf(vault, target, { bodies, deliveryId: deliveryIdOf(idsOf(opened)), now })
}

export function idsOf(opened: readonly Opened[]): readonly string[] {
  return opened.map(({ id }) => id)
}
