import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { BindCommand } from '../../bindings/binding.ts'
import type { Bindings } from '../../bindings/bindings.ts'
import { DomainError } from '../../domain/errors.ts'
import type { PoolKey } from '../../domain/ids.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { problemOf, problemSchema, problems } from '../problem.ts'
import { commandOf, idIn } from './binding-requests.ts'
import { answerOf, BindingAnswer, BindRequest, keyHeaders } from './binding-shapes.ts'
import { bindingIdShape, closed, poolKeyShape, virtualIn, virtualNumberShape } from './shapes.ts'

const itemsMax = 500
/** 500 items with everything that an item may say. */
const bodyBytesMax = 1024 * 1024

const [bindExample] = (BindRequest as unknown as { examples: object[] }).examples
const [answerExample] = (BindingAnswer as unknown as { examples: object[] }).examples

const BulkBindRequest = Type.Object(
  { items: Type.Array(BindRequest, { minItems: 1, maxItems: itemsMax }) },
  { ...closed, examples: [{ items: [bindExample] }] },
)

const UnbindItem = Type.Object(
  {
    id: bindingIdShape,
    poolKey: Type.Optional(poolKeyShape),
    x: Type.Optional(virtualNumberShape),
  },
  { ...closed, description: '`poolKey` and `x` must be those of the binding when they are given.' },
)

const BulkUnbindRequest = Type.Object(
  { items: Type.Array(UnbindItem, { minItems: 1, maxItems: itemsMax }) },
  { ...closed, examples: [{ items: [{ id: '1000000000000001' }] }] },
)

const Outcome = Type.Object({
  binding: Type.Optional(BindingAnswer),
  problem: Type.Optional(
    Type.Object(problemSchema.properties, { description: 'Why this one was not done.' }),
  ),
})

const BulkAnswer = Type.Object(
  {
    done: Type.Integer({ description: 'How many were done.', examples: [1] }),
    failed: Type.Integer({ description: 'How many were not.', examples: [1] }),
    items: Type.Array(Outcome, { description: 'One for each item, in the same order.' }),
  },
  {
    examples: [
      {
        done: 1,
        failed: 1,
        items: [
          { binding: answerExample },
          {
            problem: {
              type: 'urn:axbridge:problem:bind-conflict',
              title: 'Conflict',
              status: 409,
              detail: 'A or B already takes part in a live binding on this X.',
              code: 'bind-conflict',
              instance: 'urn:axbridge:request:0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
              vendorCode: 'isv.BIND_CONFLICT',
            },
          },
        ],
      },
    ],
  },
)
type BulkAnswer = Static<typeof BulkAnswer>

type Outcomes = Awaited<ReturnType<Bindings['bindMany']>>

export const bindingBulkRoutes: FastifyPluginAsyncTypebox<{
  bindings: Bindings
  parser: NumberParser
}> = async (app, { bindings, parser }) => {
  app.post(
    '/bindings/bulk',
    {
      bodyLimit: bodyBytesMax,
      config: { scope: 'bind' },
      schema: {
        operationId: 'createBindings',
        summary: 'Bind many at once',
        description:
          'Each item is bound or refused by itself. With the same Idempotency-Key and the same items nothing is bound twice: what was done stays as it is, and what was refused is tried again.',
        tags: ['bindings'],
        headers: keyHeaders,
        body: BulkBindRequest,
        response: { 200: BulkAnswer, ...problems(400, 413, 415, 422) },
      },
    },
    async (request) => {
      const principal = principalOf(request)
      const read = request.body.items.map((item, at) =>
        tried(() => commandOf(item, principal, parser, `body/items/${at}`)),
      )
      const commands = read.filter((each): each is BindCommand => !(each instanceof DomainError))
      const key = request.headers['idempotency-key']
      const outcomes =
        commands.length === 0 ? [] : await bindings.bindMany(principal.accountId, commands, key)
      return bulkAnswer(merged(read, outcomes), request.id)
    },
  )

  app.post(
    '/bindings/bulk-unbind',
    {
      config: { scope: 'bind' },
      schema: {
        operationId: 'deleteBindings',
        summary: 'Unbind many at once',
        description:
          'Each item is ended or refused by itself. With the same Idempotency-Key and the same items those that were ended then are answered as done.',
        tags: ['bindings'],
        headers: keyHeaders,
        body: BulkUnbindRequest,
        response: { 200: BulkAnswer, ...problems(400, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const refs = request.body.items.map(({ id, poolKey, x }, at) => ({
        accountId,
        id: idIn(id),
        poolKey: poolKey as PoolKey | undefined,
        x: x === undefined ? undefined : virtualIn(`body/items/${at}/x`, x, parser),
      }))
      const key = request.headers['idempotency-key']
      return bulkAnswer(await bindings.unbindMany(accountId, refs, key), request.id)
    },
  )
}

function tried<T>(work: () => T): T | DomainError {
  try {
    return work()
  } catch (err) {
    if (err instanceof DomainError) return err
    throw err
  }
}

/** The outcomes of the items that could be read, among the refusals of those that could not. */
function merged(read: readonly unknown[], outcomes: Outcomes): Outcomes {
  const left = [...outcomes]
  return read.map((each) => {
    const outcome = each instanceof DomainError ? { refusal: each } : left.shift()
    if (outcome === undefined) throw new Error('a bulk gives an outcome for each of its items')
    return outcome
  })
}

function bulkAnswer(outcomes: Outcomes, requestId: string): BulkAnswer {
  const failed = outcomes.filter(({ refusal }) => refusal !== undefined).length
  return {
    done: outcomes.length - failed,
    failed,
    items: outcomes.map(({ binding, refusal }) =>
      refusal === undefined
        ? { binding: answerOf(binding) }
        : { problem: problemOf(refusal, requestId) },
    ),
  }
}
