/**
 * A refusal that a human must act on. `code` is stable kebab-case; `detail` says what to do and
 * never contains a number or a secret. Anything else that is thrown is a bug.
 */
export class DomainError extends Error {
  readonly code: string
  readonly httpStatus: number
  /** The vendor's business code, where one applies (product-semantics 3.4). */
  readonly vendorCode: string | undefined

  constructor(
    code: string,
    httpStatus: number,
    detail: string,
    options: { vendorCode?: string; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.name = 'DomainError'
    this.code = code
    this.httpStatus = httpStatus
    this.vendorCode = options.vendorCode
  }
}
