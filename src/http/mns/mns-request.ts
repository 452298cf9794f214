import { createHmac } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { argumentWrong, MnsError } from './mns-error.ts'

/** A request as it says of itself, nothing of it believed yet (product-semantics 4.11). */
export type MnsRequest = {
  readonly accessKeyId: string
  readonly securityToken: string | undefined
  readonly signature: string
  readonly sentAt: Date
  readonly stringToSign: string
}

const authorizationPattern = /^MNS ([\w.-]{1,128}):([\w+/]{20,100}={0,2})$/
export const mnsVersion = '2015-06-06'

export function readMnsRequest(request: FastifyRequest): MnsRequest {
  const { authorization } = request.headers
  if (authorization === undefined) {
    throw new MnsError(400, 'MissingAuthorizationHeader', 'Authorization header is required.')
  }
  const [, accessKeyId, signature] = authorizationPattern.exec(authorization) ?? []
  if (accessKeyId === undefined || signature === undefined) {
    throw new MnsError(
      400,
      'InvalidAuthorizationHeader',
      'The Authorization header format is invalid. It is MNS <access key id>:<signature>.',
    )
  }
  const version = headerOf(request, 'x-mns-version')
  if (version !== '' && version !== mnsVersion) {
    throw argumentWrong(`The header x-mns-version must be ${mnsVersion}.`)
  }
  return {
    accessKeyId,
    signature,
    securityToken: headerOf(request, 'security-token') || undefined,
    sentAt: sentAt(request),
    stringToSign: stringToSign(request),
  }
}

/** Unlike RPC keys, these have nothing after the secret. */
export function mnsSignature(text: string, secret: string): string {
  return createHmac('sha1', secret).update(text).digest('base64')
}

/** Content-MD5 is signed as it came: clients do not agree on what it is. */
function stringToSign(request: FastifyRequest): string {
  const own = Object.keys(request.headers)
    .filter((name) => name.startsWith('x-mns-'))
    .sort()
    .map((name) => `${name}:${headerOf(request, name)}\n`)
  return [
    request.method,
    headerOf(request, 'content-md5'),
    headerOf(request, 'content-type'),
    headerOf(request, 'date'),
    `${own.join('')}${request.url}`,
  ].join('\n')
}

/** Both are signed; who can not set `Date` sends `x-mns-date`. */
function sentAt(request: FastifyRequest): Date {
  const written = headerOf(request, 'date') || headerOf(request, 'x-mns-date')
  if (written === '') throw new MnsError(400, 'MissingDateHeader', 'Date header is required.')
  const at = new Date(/^[\w ,:+-]{10,40}$/.test(written) ? written : Number.NaN)
  if (!Number.isNaN(at.getTime())) return at
  throw new MnsError(400, 'InvalidDateHeader', 'The Date header format is invalid.')
}

function headerOf({ headers }: FastifyRequest, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}

/** Of the URL; names without case, as clients differ. */
export type MnsQuery = ReadonlyMap<string, string>

export function readMnsQuery({ url }: FastifyRequest): MnsQuery {
  const mark = url.indexOf('?')
  const query = new Map<string, string>()
  if (mark < 0) return query
  for (const [name, value] of new URLSearchParams(url.slice(mark + 1))) {
    const key = name.toLowerCase()
    if (query.has(key)) {
      throw new MnsError(400, 'InvalidQueryString', 'A parameter of the URL was sent twice.')
    }
    query.set(key, value)
  }
  return query
}

/** Undefined: not sent. */
export function integerIn(
  query: MnsQuery,
  name: string,
  range: readonly [min: number, max: number],
): number | undefined {
  const text = query.get(name.toLowerCase())
  if (text === undefined || text === '') return undefined
  const [min, max] = range
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw argumentWrong(`The value of ${name} should be between ${min} and ${max}.`)
}
