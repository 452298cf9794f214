import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Audit } from '../../accounts/audit.ts'
import type { Bindings } from '../../bindings/bindings.ts'
import type { CallRecords } from '../../cdr/call-records.ts'
import { DomainError } from '../../domain/errors.ts'
import { type CallId, parseBindingId } from '../../domain/ids.ts'
import type { Groups } from '../../numbers/groups.ts'
import { noteOf } from '../audit.ts'
import { principalOf } from '../auth.ts'
import { problems } from '../problem.ts'
import { GroupParams, groupIdShape, refOf } from './group-shapes.ts'
import {
  bindingIdShape,
  closed,
  compact,
  pageAnswer,
  pageOf,
  pageQuery,
  timeShape,
  timeText,
  virtualNumberShape,
} from './shapes.ts'

type App = Parameters<FastifyPluginAsyncTypebox>[0]

/** The only answers with real numbers in full. Each is noted in the audit log, on disk, before it is given. */

const fullNumberShape = Type.String({
  description: 'A real number in full, E.164 with plus.',
  examples: ['+8613800000001'],
})

const BindingNumbers = Type.Object(
  {
    id: bindingIdShape,
    x: virtualNumberShape,
    extension: Type.Optional(Type.String({ description: 'Digits behind X.', examples: ['12'] })),
    groupId: Type.Optional({
      ...groupIdShape,
      description: 'G of an AXG binding: its numbers are revealed page by page.',
    }),
    phoneA: fullNumberShape,
    phoneB: Type.Optional(fullNumberShape),
  },
  {
    examples: [
      {
        id: '1000000000000001',
        x: '+8617000000001',
        phoneA: '+8613800000001',
        phoneB: '+8613900000002',
      },
    ],
  },
)

const callIdShape = Type.String({
  format: 'uuid',
  examples: ['0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'],
})

const CallNumbers = Type.Object(
  {
    id: callIdShape,
    x: virtualNumberShape,
    caller: Type.Optional(fullNumberShape),
    callee: Type.Optional(fullNumberShape),
  },
  {
    examples: [
      {
        id: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
        x: '+8617000000001',
        caller: '+8613800000001',
        callee: '+8613900000002',
      },
    ],
  },
)

const FullMember = Type.Object(
  { number: fullNumberShape, addedAt: timeShape },
  { examples: [{ number: '+8613800000001', addedAt: '2030-01-30T02:00:00Z' }] },
)

type RevealDeps = {
  bindings: Pick<Bindings, 'get'>
  callRecords: Pick<CallRecords, 'get'>
  groups: Pick<Groups, 'members'>
  audit: Pick<Audit, 'record'>
}

export const revealRoutes: FastifyPluginAsyncTypebox<RevealDeps> = async (app, deps) => {
  addBinding(app, deps)
  addCall(app, deps)
  addGroup(app, deps)
}

function addBinding(app: App, { bindings, audit }: RevealDeps): void {
  app.get(
    '/bindings/:id/numbers',
    {
      config: { scope: 'reveal' },
      schema: {
        operationId: 'revealBinding',
        summary: 'Real numbers of a binding in full; noted in the audit log',
        tags: ['bindings'],
        params: Type.Object({ id: bindingIdShape }),
        response: { 200: BindingNumbers, ...problems(400, 404) },
      },
    },
    async (request) => {
      const id = parseBindingId(request.params.id)
      if (id === undefined) throw unknown('binding')
      const binding = await bindings.get(principalOf(request).accountId, id)
      await audit.record(noteOf(request, [binding.id, binding.x]), 200)
      return compact({
        id: binding.id as string,
        x: binding.x as string,
        extension: binding.extension,
        groupId: binding.groupId as string | undefined,
        phoneA: binding.a.reveal(),
        phoneB: binding.b?.reveal(),
      })
    },
  )
}

function addCall(app: App, { callRecords, audit }: RevealDeps): void {
  app.get(
    '/calls/:id/numbers',
    {
      config: { scope: 'reveal' },
      schema: {
        operationId: 'revealCall',
        summary: 'Real numbers of a call in full; noted in the audit log',
        tags: ['calls'],
        params: Type.Object({ id: callIdShape }),
        response: { 200: CallNumbers, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { operator, accountId } = principalOf(request)
      const owner = operator ? undefined : accountId
      const call = await callRecords.get(owner, request.params.id as CallId)
      if (call === undefined) throw unknown('call')
      await audit.record(noteOf(request, [call.callId, call.x]), 200)
      return compact({
        id: call.callId as string,
        x: call.x as string,
        caller: call.caller?.reveal(),
        callee: call.callee?.reveal(),
      })
    },
  )
}

function addGroup(app: App, { groups, audit }: RevealDeps): void {
  app.get(
    '/pools/:key/groups/:id/numbers',
    {
      config: { scope: 'reveal' },
      schema: {
        operationId: 'revealGroup',
        summary: 'Numbers of a G group in full, newest first; noted in the audit log',
        tags: ['groups'],
        params: GroupParams,
        querystring: Type.Object(pageQuery, closed),
        response: { 200: pageOf(FullMember), ...problems(400, 404, 409, 422) },
      },
    },
    async (request) => {
      const ref = refOf(principalOf(request).accountId, request.params)
      const page = await groups.members({ ...ref, ...request.query })
      await audit.record(noteOf(request, [ref.poolKey, ref.id]), 200)
      return pageAnswer(page, ({ number, addedAt }) => ({
        number: number.reveal(),
        addedAt: timeText(addedAt),
      }))
    },
  )
}

function unknown(what: 'binding' | 'call'): DomainError {
  return new DomainError(`${what}-unknown`, 404, `There is no ${what} with this id.`)
}
