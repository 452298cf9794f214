import { createHash, createHmac } from 'node:crypto'

/**
 * `v1=` and HMAC-SHA-256 in hex over `<timestamp>.<body>`, once for each secret: after a rotation
 * the old one signs too for a while.
 */
export function signatureOf(
  secrets: readonly string[],
  { timestamp, body }: { timestamp: number; body: Uint8Array },
): string {
  return secrets
    .map((secret) => createHmac('sha256', secret).update(`${timestamp}.`).update(body))
    .map((hmac) => `v1=${hmac.digest('hex')}`)
    .join(',')
}

/** The same for the same receipts in one batch, however often it is tried. */
export function deliveryIdOf(receiptIds: readonly string[]): string {
  const text = receiptIds.join(' ')
  return createHash('sha256').update(`delivery ${text}`).digest('hex').slice(0, 32)
}
