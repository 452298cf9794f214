import type { KeyHolder } from '../../accounts/account.ts'
import type { AccountId } from '../../domain/ids.ts'
import { isAmong } from '../../platform/address-block.ts'
import type { QueueTokenHolder, QueueTokens } from '../../receipts/queue-tokens.ts'
import { isSame } from '../rpc/signing.ts'
import { accessDenied, MnsError } from './mns-error.ts'
import { type MnsRequest, mnsSignature } from './mns-request.ts'

/** How far a client's clock may be off. */
const skewMsMax = 15 * 60_000
/** Requests per second and access key. A reader that takes 16 at once needs a fraction. */
const perSecondMax = 1_000

export type AdmitMnsDeps = {
  readonly keys: { find(id: string): Promise<KeyHolder | undefined> }
  readonly tokens: Pick<QueueTokens, 'open'>
  readonly throttle: (accessKeyId: string, action: string, perSecondMax: number) => void
  readonly now: () => Date
}

/** Whose queues may be read; a key for a while reads only the one that it was made for. */
export type Reader = {
  readonly accountId: AccountId
  /** The access key that was used, or that the key for a while was made with. */
  readonly keyId: string
  readonly onlyQueue: string | undefined
}

/**
 * A key for a while goes with the access key that it was made with: when that one is disabled,
 * removed or confined to other addresses, so is this.
 */
export function createAdmitMns(deps: AdmitMnsDeps) {
  return async (asked: MnsRequest, address: string): Promise<Reader> => {
    if (Math.abs(deps.now().getTime() - asked.sentAt.getTime()) > skewMsMax) {
      throw new MnsError(
        408,
        'TimeExpired',
        'The http request you sent is expired. Its date is more than 15 minutes off.',
      )
    }
    const token = readToken(deps, asked)
    const holder = await deps.keys.find(token?.issuedTo ?? asked.accessKeyId)
    if (holder === undefined) throw keyUnknown()
    const secrets = token === undefined ? holder.secrets : [token.secret]
    const isSigned = secrets.some((secret) =>
      isSame(mnsSignature(asked.stringToSign, secret), asked.signature),
    )
    if (!isSigned) throw signatureWrong()
    checkHolder(holder, address)
    deps.throttle(holder.keyId, 'mns', perSecondMax)
    return { accountId: holder.accountId, keyId: holder.keyId, onlyQueue: token?.queue }
  }
}

function readToken({ tokens, now }: AdmitMnsDeps, asked: MnsRequest): QueueTokenHolder | undefined {
  if (asked.securityToken === undefined) return undefined
  const token = tokens.open(asked.securityToken)
  if (token === undefined || token.keyId !== asked.accessKeyId) {
    throw new MnsError(403, 'InvalidSecurityToken', 'The security token you provided is invalid.')
  }
  if (token.expiresAt > now()) return token
  throw new MnsError(
    403,
    'SecurityTokenExpired',
    'The security token you provided is expired. Ask for another with QueryTokenForMnsQueue.',
  )
}

function checkHolder(holder: KeyHolder, address: string): void {
  if (!holder.enabled) throw accessDenied('This access key is disabled.')
  if (holder.suspended) throw accessDenied('The account is suspended.')
  if (holder.addresses.length > 0 && !isAmong(address, holder.addresses)) {
    throw accessDenied('This access key is not for use from the address you ask from.')
  }
  // What is read there holds real numbers in full.
  if (holder.scopes.includes('reveal')) return
  throw accessDenied('This access key lacks the scope "reveal".')
}

const keyUnknown = () =>
  new MnsError(403, 'InvalidAccessKeyId', 'The AccessKey Id you provided is not exist.')

/** The string to sign is not repeated: it holds the handle, and clients write errors into logs. */
const signatureWrong = () =>
  new MnsError(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  )
