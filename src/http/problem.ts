import { STATUS_CODES } from 'node:http'
import { type Static, Type } from 'typebox'
import { DomainError } from '../domain/errors.ts'

/** One thing that is wrong with a request, and what to do about it. */
const Fault = Type.Object({
  pointer: Type.String({
    description: 'Where: part of the request and JSON pointer into it.',
    examples: ['body/expiresAt'],
  }),
  detail: Type.String({ description: 'What is wrong there and what to do.' }),
})
export type Fault = Static<typeof Fault>

/** RFC 9457, with members of ours: `code`, `vendorCode`, `errors`. */
const Problem = Type.Object(
  {
    type: Type.String({
      description: 'Stable name of this kind of problem as a URN.',
      examples: ['urn:axbridge:problem:bind-conflict'],
    }),
    title: Type.String({ examples: ['Conflict'] }),
    status: Type.Integer({ minimum: 400, maximum: 599, examples: [409] }),
    detail: Type.String({ description: 'What happened and what to do, for a human.' }),
    code: Type.String({
      description: 'The same as the last part of `type`: stable, kebab-case, safe to compare with.',
      examples: ['bind-conflict'],
    }),
    instance: Type.String({
      description: 'This one occurrence: the request id, as in the `X-Request-Id` header.',
      examples: ['urn:axbridge:request:0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'],
    }),
    vendorCode: Type.Optional(
      Type.String({
        description: "The vendor API's code for the same refusal, where there is one.",
        examples: ['isv.BIND_CONFLICT'],
      }),
    ),
    errors: Type.Optional(
      Type.Array(Fault, { description: 'All faults of a request that was not understood.' }),
    ),
  },
  { $id: 'Problem', description: 'Problem details (RFC 9457).' },
)
export const problemSchema = Problem
type Problem = Static<typeof Problem>

export const problemMediaType = 'application/problem+json'

/** A request that can not be understood or accepted as it stands. Lists everything that is wrong at once. */
export class RequestRefused extends DomainError {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[], options: { code?: string; vendorCode?: string } = {}) {
    const many = faults.length === 1 ? 'One thing is' : `${faults.length} things are`
    super(
      options.code ?? 'request-invalid',
      400,
      `${many} wrong with this request; see errors.`,
      options.vendorCode === undefined ? {} : { vendorCode: options.vendorCode },
    )
    this.name = 'RequestRefused'
    this.faults = faults
  }
}

export function problemOf(error: DomainError, requestId: string): Problem {
  return {
    type: `urn:axbridge:problem:${error.code}`,
    title: STATUS_CODES[error.httpStatus] ?? 'Error',
    status: error.httpStatus,
    detail: error.message,
    code: error.code,
    instance: `urn:axbridge:request:${requestId}`,
    ...(error.vendorCode === undefined ? {} : { vendorCode: error.vendorCode }),
    ...(error instanceof RequestRefused ? { errors: [...error.faults] } : {}),
  }
}

const meanings: Readonly<Record<number, string>> = {
  400: 'The request can not be understood; `errors` lists every fault.',
  401: 'No token, or one that is not known.',
  403: 'The token lacks the scope, is not for this address, or its account is suspended.',
  404: 'There is no such thing.',
  409: 'It clashes with something that exists.',
  413: 'The body is too large.',
  415: 'The body is not `application/json`.',
  422: 'It was understood, but is not allowed as it stands.',
  429: 'Too many requests with this token; `Retry-After` says when to come back.',
  500: 'A fault on our side.',
  503: 'A part that this needs is away, or the server is stopping. Nothing was changed.',
}

/** Answers that any operation behind a token can give. */
const always = [401, 403, 429, 500, 503]

/** The problem answers of an operation, for its `response` schema: those of every operation and the given ones. */
export function problems(...statuses: readonly number[]) {
  const all = [...new Set([...statuses, ...always])].sort()
  return Object.fromEntries(all.map((status) => [status, problemAnswer(status)]))
}

function problemAnswer(status: number) {
  return {
    description: meanings[status] ?? STATUS_CODES[status] ?? 'Problem',
    content: { [problemMediaType]: { schema: Type.Ref('Problem') } },
  }
}
