/** A refusal by the codes of the vendor's queue service. `message` never repeats what came. */
export class MnsError extends Error {
  readonly httpStatus: number
  readonly code: string

  constructor(httpStatus: number, code: string, message: string) {
    super(message)
    this.name = 'MnsError'
    this.httpStatus = httpStatus
    this.code = code
  }
}

export const nothingThere = () => new MnsError(404, 'MessageNotExist', 'Message not exist.')

export const messageGone = () =>
  new MnsError(404, 'MessageNotExist', 'The message is not there any more.')

export const queueUnknown = () =>
  new MnsError(404, 'QueueNotExist', 'The queue name you provided is not exist.')

export const accessDenied = (why: string) => new MnsError(403, 'AccessDenied', why)

export const argumentWrong = (why: string) => new MnsError(400, 'InvalidArgument', why)

export const xmlWrong = (why: string) => new MnsError(400, 'MalformedXML', why)

export const handleWrong = () =>
  new MnsError(
    400,
    'ReceiptHandleError',
    'The receipt handle you provided is not valid. It is good for the delivery that it came with, until the next one.',
  )

export const tooMany = (why: string) => new MnsError(400, 'QpsLimitExceeded', why)
