import type { FastifyRequest } from 'fastify'
import type { Format } from './answer.ts'
import { GatewayError, invalid, missing, signatureIncomplete } from './gateway-error.ts'
import { type Parameters, pairsIn, readParameters } from './parameters.ts'
import {
  acs3Algorithm,
  isSame,
  sha256Hex,
  signatureAcs3,
  signatureV1,
  stringToSignAcs3,
  stringToSignV1,
} from './signing.ts'

/** A request as it says of itself, nothing of it believed yet. */
export type RpcRequest = {
  readonly action: string
  readonly version: string
  readonly format: Format
  readonly accessKeyId: string
  readonly timestamp: string
  readonly nonce: string
  readonly parameters: Parameters
  readonly stringToSign: string
  isSignedWith(secret: string): boolean
}

/** Which of the two styles: whoever signs in the header sends no signature among the parameters. */
export function readRpcRequest(request: FastifyRequest): RpcRequest {
  const authorization = request.headers.authorization ?? ''
  return /^ACS3-/i.test(authorization) ? readAcs3(request, authorization) : readV1(request)
}

/** Before anything else is known, so that also the first error has the form that was asked for. */
export function formatOf(request: FastifyRequest): Format {
  const { query } = partsOf(request)
  const asked = /(?:^|&)format=([^&]*)/i.exec(`${query}&${formText(request)}`)?.[1]
  return asked?.toUpperCase() === 'XML' ? 'XML' : 'JSON'
}

function readV1(request: FastifyRequest): RpcRequest {
  const pairs = [...pairsIn(partsOf(request).query), ...pairsIn(formText(request))]
  const parameters = readParameters(pairs)
  const need = (name: string) => {
    const value = parameters.get(name)
    if (value === undefined) throw missing(name)
    return value
  }
  const action = need('Action')
  const version = need('Version')
  const accessKeyId = need('AccessKeyId')
  const signature = need('Signature')
  const method = need('SignatureMethod')
  const signatureVersion = need('SignatureVersion')
  const nonce = need('SignatureNonce')
  const timestamp = need('Timestamp')
  if (method.toUpperCase() !== 'HMAC-SHA1') {
    throw invalid('SignatureMethod', 'only HMAC-SHA1 is known here.')
  }
  if (signatureVersion !== '1.0') throw invalid('SignatureVersion', 'it must be 1.0.')
  const stringToSign = stringToSignV1(request.method, pairs)
  return {
    action,
    version,
    format: checkedFormat(parameters),
    accessKeyId,
    timestamp,
    nonce,
    parameters,
    stringToSign,
    isSignedWith: (secret) => isSame(signatureV1(stringToSign, secret), signature),
  }
}

const authorizationPattern =
  /^(ACS3-[A-Z0-9-]+) +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]+)$/i
/** What must be signed, or it could be changed on the way. */
const signedAlways = [
  'host',
  'x-acs-action',
  'x-acs-version',
  'x-acs-date',
  'x-acs-signature-nonce',
  'x-acs-content-sha256',
]

const emptyHash = sha256Hex('')

function readAcs3(request: FastifyRequest, authorization: string): RpcRequest {
  const parts = authorizationPattern.exec(authorization)
  const [, algorithm = '', accessKeyId = '', list = '', signature = ''] = parts ?? []
  if (parts === null) {
    throw signatureIncomplete('Authorization needs Credential, SignedHeaders and Signature.')
  }
  if (algorithm.toUpperCase() !== acs3Algorithm) {
    throw invalid('SignatureMethod', `only ${acs3Algorithm} is known here.`)
  }
  const header = (name: string) => {
    const value = request.headers[name]
    return Array.isArray(value) ? [...value].sort().join(',') : value
  }
  const need = (name: string) => {
    const value = header(name)
    if (value === undefined || value === '') throw missing(name)
    return value
  }
  const signedHeaders = list.toLowerCase().split(';')
  const body = bodyOf(request)
  // It says whether the body holds parameters.
  const mustBeSigned = body.length === 0 ? signedAlways : [...signedAlways, 'content-type']
  const unsigned = mustBeSigned.find((name) => !signedHeaders.includes(name))
  if (unsigned !== undefined) {
    need(unsigned)
    throw signatureIncomplete(`the header ${unsigned} is not signed.`)
  }
  const { path, query } = partsOf(request)
  const asked = pairsIn(query)
  const bodyHash = need('x-acs-content-sha256').toLowerCase()
  if (bodyHash !== (body.length === 0 ? emptyHash : sha256Hex(body))) {
    throw invalid('x-acs-content-sha256', 'it is not the SHA-256 of the body.')
  }
  const stringToSign = stringToSignAcs3({
    method: request.method,
    path,
    query: asked,
    signedHeaders,
    header,
    bodyHash,
  })
  const parameters = readParameters([...asked, ...pairsIn(formText(request))])
  return {
    action: need('x-acs-action'),
    version: need('x-acs-version'),
    format: checkedFormat(parameters),
    accessKeyId,
    timestamp: need('x-acs-date'),
    nonce: need('x-acs-signature-nonce'),
    parameters,
    stringToSign,
    isSignedWith: (secret) => isSame(signatureAcs3(stringToSign, secret), signature.toLowerCase()),
  }
}

function checkedFormat(parameters: Parameters): Format {
  const asked = (parameters.get('Format') ?? 'JSON').toUpperCase()
  if (asked === 'JSON' || asked === 'XML') return asked
  throw new GatewayError(400, 'InvalidParameter.Format', 'Format must be JSON or XML.')
}

function partsOf({ url }: FastifyRequest): { path: string; query: string } {
  const mark = url.indexOf('?')
  return mark < 0
    ? { path: url, query: '' }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) }
}

function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}

/** Only a form holds parameters. */
function formText(request: FastifyRequest): string {
  const type = request.headers['content-type'] ?? ''
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(type)
  return isForm ? bodyOf(request).toString('utf8') : ''
}
