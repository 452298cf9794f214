import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { VirtualNumber } from '../../domain/ids.ts'
import type { XNumber } from '../../numbers/number.ts'
import type { Numbers } from '../../numbers/numbers.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { problems } from '../problem.ts'
import { NumberAnswer, noteShape, numberAnswer } from './number-shapes.ts'
import { closed, virtualIn, virtualNumberShape } from './shapes.ts'

const NumberParams = Type.Object({ x: virtualNumberShape })

const NumberChange = Type.Object(
  {
    note: Type.Union([noteShape, Type.Null()], { description: 'For people; null removes it.' }),
  },
  { ...closed, examples: [{ note: 'spare' }] },
)

type NumberDeps = { numbers: Numbers; parser: NumberParser }
type App = Parameters<FastifyPluginAsyncTypebox>[0]

/** Routes of one X number. */
export const singleNumberRoutes: FastifyPluginAsyncTypebox<NumberDeps> = async (
  app,
  { numbers, parser },
) => {
  const xOf = (request: FastifyRequest<{ Params: { x: string } }>) =>
    virtualIn('params/x', request.params.x, parser)

  app.get(
    '/numbers/:x',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getNumber',
        summary: 'One X number and all that is known of it',
        description: 'Its bindings: `GET /v1/bindings?x=`.',
        tags: ['numbers'],
        params: NumberParams,
        response: { 200: NumberAnswer, ...problems(400, 404) },
      },
    },
    async (request) =>
      numberAnswer(await numbers.get(principalOf(request).accountId, xOf(request))),
  )

  app.patch(
    '/numbers/:x',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'updateNumber',
        summary: 'Change the note of an X number',
        tags: ['numbers'],
        params: NumberParams,
        body: NumberChange,
        response: { 200: NumberAnswer, ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const note = request.body.note ?? undefined
      return numberAnswer(await numbers.note(accountId, xOf(request), note))
    },
  )

  app.delete(
    '/numbers/:x',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'deleteNumber',
        summary: 'Release an X number for good; only when it has no binding',
        description:
          'Its rent ends with this month. What was bought returns to the stock of the operator and rests there; it cannot be had back.',
        tags: ['numbers'],
        params: NumberParams,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      await numbers.remove(principalOf(request).accountId, xOf(request))
      return reply.code(204).send(null)
    },
  )

  addOwnerStates(app, { numbers, parser })
  addOperatorStates(app, { numbers, parser })
}

type Action = {
  readonly name: string
  readonly operationId: string
  readonly summary: string
  readonly scope: 'numbers' | 'operator'
  run(request: FastifyRequest, x: VirtualNumber): Promise<XNumber>
}

function addAction(app: App, parser: NumberParser, action: Action): void {
  app.post(
    `/numbers/:x/${action.name}`,
    {
      config: { scope: action.scope },
      schema: {
        operationId: action.operationId,
        summary: action.summary,
        tags: ['numbers'],
        params: NumberParams,
        response: { 200: NumberAnswer, ...problems(400, 404, 409) },
      },
    },
    async (request) =>
      numberAnswer(await action.run(request, virtualIn('params/x', request.params.x, parser))),
  )
}

function addOwnerStates(app: App, { numbers, parser }: NumberDeps): void {
  addAction(app, parser, {
    name: 'lock',
    operationId: 'lockNumber',
    summary: 'Lock an X number: no new binding, those it has go on',
    scope: 'numbers',
    run: (request, x) => numbers.lock(principalOf(request).accountId, x),
  })
  addAction(app, parser, {
    name: 'unlock',
    operationId: 'unlockNumber',
    summary: 'Unlock an X number: it takes new bindings again',
    scope: 'numbers',
    run: (request, x) => numbers.unlock(principalOf(request).accountId, x),
  })
}

/** Whoever owns the number. */
function addOperatorStates(app: App, { numbers, parser }: NumberDeps): void {
  addAction(app, parser, {
    name: 'freeze',
    operationId: 'freezeNumber',
    summary: 'Freeze an X number of any account: it carries no call, its bindings stay',
    scope: 'operator',
    run: (_request, x) => numbers.stop(x, 'frozen'),
  })
  addAction(app, parser, {
    name: 'fault',
    operationId: 'faultNumber',
    summary: 'Call an X number of any account faulty: it carries no call, its bindings stay',
    scope: 'operator',
    run: (_request, x) => numbers.stop(x, 'faulty'),
  })
  addAction(app, parser, {
    name: 'resume',
    operationId: 'resumeNumber',
    summary: 'Put a frozen or faulty X number back as its owner had it',
    scope: 'operator',
    run: (_request, x) => numbers.resume(x),
  })
}
