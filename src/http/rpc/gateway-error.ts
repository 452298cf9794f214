/**
 * A request that did not come as far as an action: signature, nonce, parameters, throttling
 * (product-semantics 2.4). Answered with its HTTP status, unlike a refusal of the business.
 */
export class GatewayError extends Error {
  readonly httpStatus: number
  readonly code: string
  /** Seconds until it is worth trying again. */
  readonly retryAfter: number | undefined

  constructor(httpStatus: number, code: string, message: string, retryAfter?: number) {
    super(message)
    this.name = 'GatewayError'
    this.httpStatus = httpStatus
    this.code = code
    this.retryAfter = retryAfter
  }
}

export const missing = (name: string) =>
  new GatewayError(400, `Missing${name}`, `${name} is mandatory for this action.`)

/** `why` says what is right; never repeats what came. */
export const invalid = (name: string, why: string) =>
  new GatewayError(400, `Invalid${name}`, `Specified parameter ${name} is not valid: ${why}`)

export const keyUnknown = () =>
  new GatewayError(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.')

export const keyDisabled = () =>
  new GatewayError(400, 'InvalidAccessKeyId.Inactive', 'Specified access key is disabled.')

export const nonceUsed = () =>
  new GatewayError(
    400,
    'SignatureNonceUsed',
    'Specified signature nonce was used already. Sign each request with a new one.',
  )

/**
 * SDKs compare what comes after the colon with their own string, to tell a wrong secret from a
 * wrong encoding (product-semantics 2.4).
 */
export const signatureWrong = (stringToSign: string) =>
  new GatewayError(
    400,
    'SignatureDoesNotMatch',
    `Specified signature is not matched with our calculation. server string to sign is:${stringToSign}`,
  )

export const signatureIncomplete = (why: string) =>
  new GatewayError(400, 'IncompleteSignature', `The signature is not complete: ${why}`)

export const actionUnknown = () =>
  new GatewayError(
    404,
    'InvalidApi.NotFound',
    'Specified api is not found, please check your url and method.',
  )
