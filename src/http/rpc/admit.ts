import type { KeyHolder } from '../../accounts/account.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Scope } from '../../domain/scope.ts'
import { isAmong } from '../../platform/address-block.ts'
import { maskDigitRuns } from '../../platform/masking.ts'
import {
  GatewayError,
  invalid,
  keyDisabled,
  keyUnknown,
  nonceUsed,
  signatureWrong,
} from './gateway-error.ts'
import type { UseNonce } from './nonces.ts'
import type { RpcRequest } from './request.ts'

/** How far a client's clock may be off (product-semantics 2.4). */
const skewMsMax = 15 * 60_000
const timestampPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/
const nonceLengthMax = 128

export type AdmitDeps = {
  readonly keys: { find(id: string): Promise<KeyHolder | undefined> }
  readonly useNonce: UseNonce
  readonly throttle: (accessKeyId: string, action: string, perSecondMax: number) => void
  readonly now: () => Date
  /** Repeat the string to sign as it is, with the numbers in it. */
  readonly echoesExactly: boolean
}

/**
 * Whose request this is. What costs nothing is asked first, the nonce after that: only a request that
 * is signed well uses one up.
 */
export function createAdmit(deps: AdmitDeps) {
  return async (
    asked: RpcRequest,
    action: { name: string; scope: Scope; perSecondMax: number },
    address: string,
  ): Promise<KeyHolder> => {
    checkTime(asked.timestamp, deps.now())
    if (asked.nonce.length > nonceLengthMax) {
      throw invalid('SignatureNonce', `it has at most ${nonceLengthMax} characters.`)
    }
    const holder = await deps.keys.find(asked.accessKeyId)
    if (holder === undefined) throw keyUnknown()
    if (!holder.secrets.some((secret) => asked.isSignedWith(secret))) {
      const echo = deps.echoesExactly ? asked.stringToSign : maskDigitRuns(asked.stringToSign)
      throw signatureWrong(echo)
    }
    if (!holder.enabled) throw keyDisabled()
    checkAddress(holder, address)
    if (!(await deps.useNonce(holder.keyId, asked.nonce))) throw nonceUsed()
    // Only what is new counts: whoever repeats what somebody else has sent must not use up the rate.
    deps.throttle(holder.keyId, action.name, action.perSecondMax)
    checkGrant(holder, action.scope)
    return holder
  }
}

function checkTime(timestamp: string, now: Date): void {
  const at = timestampPattern.test(timestamp) ? Date.parse(timestamp) : Number.NaN
  if (Number.isNaN(at)) {
    throw new GatewayError(
      400,
      'InvalidTimeStamp.Format',
      'Specified time stamp must be UTC, written as yyyy-MM-ddTHH:mm:ssZ.',
    )
  }
  if (Math.abs(now.getTime() - at) <= skewMsMax) return
  throw new GatewayError(
    400,
    'InvalidTimeStamp.Expired',
    'Specified time stamp is more than 15 minutes off. Set the clock of the client.',
  )
}

function checkAddress(holder: KeyHolder, address: string): void {
  if (holder.addresses.length === 0 || isAmong(address, holder.addresses)) return
  throw new GatewayError(
    403,
    'Forbidden.RAM',
    'This access key is not for use from the address that the request came from.',
  )
}

function checkGrant({ suspended, scopes }: KeyHolder, scope: Scope): void {
  if (suspended) {
    throw new DomainError('account-suspended', 403, 'The account is suspended.', {
      vendorCode: 'isv.OUT_OF_SERVICE',
    })
  }
  if (scopes.includes(scope)) return
  throw new DomainError('scope-missing', 403, `This access key lacks the scope "${scope}".`, {
    vendorCode: 'isp.RAM_PERMISSION_DENY',
  })
}
