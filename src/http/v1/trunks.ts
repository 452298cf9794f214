import { BlockList, isIP } from 'node:net'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { TrunkId } from '../../domain/ids.ts'
import type { Trunk } from '../../domain/trunk.ts'
import type { Trunks } from '../../trunks/trunks.ts'
import { principalOf } from '../auth.ts'
import { type Fault, problems, RequestRefused } from '../problem.ts'
import { closed, compact, listOf } from './shapes.ts'

const trunkIdShape = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
  description: 'A name for it, given by you; shown in logs, metrics and call records.',
  examples: ['carrier-1'],
})
const transportShape = Type.Enum(['udp', 'tcp'])
const numberFormatShape = Type.Enum(['e164-plus', 'e164', 'national'], {
  description: 'How numbers are written in the request URI that we send.',
})

const trunkFields = {
  id: trunkIdShape,
  host: Type.String({
    pattern: '^[0-9A-Za-z]([0-9A-Za-z.:-]{0,251}[0-9A-Za-z])?$',
    description: 'Host name or address that outgoing calls are sent to.',
    examples: ['203.0.113.10'],
  }),
  port: Type.Integer({ minimum: 1, maximum: 65_535, examples: [5060] }),
  transport: transportShape,
  addresses: Type.Array(Type.String({ maxLength: 64 }), {
    maxItems: 256,
    description: 'IP addresses and CIDR blocks that may send us calls.',
    examples: [['203.0.113.10', '203.0.113.64/28']],
  }),
  numberFormat: numberFormatShape,
  trustsIdentity: Type.Boolean({
    description: 'Whether P-Asserted-Identity from it is believed (RFC 3325).',
  }),
  enabled: Type.Boolean({ description: '`false`: neither takes nor gets calls.' }),
  optionsSeconds: Type.Integer({
    minimum: 0,
    maximum: 3600,
    description:
      'How often it is asked by SIP OPTIONS whether it is there, if it takes outgoing calls: every 5 to 3600 seconds, 30 by default; 0: never, for carriers that do not answer.',
    examples: [30],
  }),
}

const priorityShape = Type.Integer({
  minimum: 0,
  maximum: 1000,
  description: 'Lower is tried first; absent: not used for outgoing calls.',
  examples: [10],
})

const trunkExample = {
  id: 'carrier-1',
  host: '203.0.113.10',
  port: 5060,
  transport: 'udp',
  addresses: ['203.0.113.10', '203.0.113.64/28'],
  priority: 10,
  numberFormat: 'e164-plus',
  trustsIdentity: true,
  enabled: true,
  optionsSeconds: 30,
}

const TrunkRequest = Type.Object(
  {
    id: trunkFields.id,
    host: trunkFields.host,
    port: Type.Optional(trunkFields.port),
    transport: Type.Optional(transportShape),
    addresses: trunkFields.addresses,
    priority: Type.Optional(priorityShape),
    numberFormat: Type.Optional(numberFormatShape),
    trustsIdentity: Type.Optional(trunkFields.trustsIdentity),
    enabled: Type.Optional(trunkFields.enabled),
    optionsSeconds: Type.Optional(trunkFields.optionsSeconds),
  },
  { ...closed, examples: [trunkExample] },
)

const TrunkChange = Type.Object(
  {
    priority: Type.Optional(
      Type.Union([priorityShape, Type.Null({ description: 'Not for outgoing calls any more.' })]),
    ),
    enabled: Type.Optional(trunkFields.enabled),
    optionsSeconds: Type.Optional(trunkFields.optionsSeconds),
  },
  { ...closed, minProperties: 1, examples: [{ optionsSeconds: 0 }] },
)

const TrunkAnswer = Type.Object(
  { ...trunkFields, priority: Type.Optional(priorityShape) },
  { examples: [trunkExample] },
)

export type ShownTrunks = Pick<Trunks, 'list' | 'create' | 'change' | 'remove'>

export const trunkRoutes: FastifyPluginAsyncTypebox<{ trunks: ShownTrunks }> = async (
  app,
  { trunks },
) => {
  app.get(
    '/trunks',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'listTrunks',
        summary: 'Trunks, in the order in which they are tried',
        tags: ['trunks'],
        response: { 200: listOf(TrunkAnswer), ...problems() },
      },
    },
    async (request) => {
      const list = await trunks.list(principalOf(request).accountId)
      return { items: list.map((each) => answerOf(each)) }
    },
  )

  app.post(
    '/trunks',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'createTrunk',
        summary: 'Add a carrier trunk',
        tags: ['trunks'],
        body: TrunkRequest,
        response: { 201: TrunkAnswer, ...problems(400, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const trunk = trunkOf(request.body)
      const created = await trunks.create(principalOf(request).accountId, trunk)
      return reply.code(201).send(answerOf(created))
    },
  )

  app.patch(
    '/trunks/:id',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'changeTrunk',
        summary: 'Change a trunk; routers know it within a few seconds',
        description: 'What is absent stays. Another address is another trunk: add that one first.',
        tags: ['trunks'],
        params: Type.Object({ id: trunkIdShape }),
        body: TrunkChange,
        response: { 200: TrunkAnswer, ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      const { priority, ...rest } = request.body
      const wish = { ...rest, priority: priority === null ? ('none' as const) : priority }
      return answerOf(await trunks.change(accountId, request.params.id as TrunkId, wish))
    },
  )

  app.delete(
    '/trunks/:id',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'deleteTrunk',
        summary: 'Remove a trunk; calls that are up on it go on',
        tags: ['trunks'],
        params: Type.Object({ id: trunkIdShape }),
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      await trunks.remove(accountId, request.params.id as TrunkId)
      return reply.code(204).send(null)
    },
  )
}

function trunkOf(body: Static<typeof TrunkRequest>): Trunk {
  const faults: Fault[] = body.addresses.flatMap((each, at) =>
    isAddressOrBlock(each)
      ? []
      : [{ pointer: `body/addresses/${at}`, detail: 'is neither an IP address nor a CIDR block' }],
  )
  if (faults.length > 0) throw new RequestRefused(faults)
  return {
    id: body.id as TrunkId,
    host: body.host,
    port: body.port ?? 5060,
    transport: body.transport ?? 'udp',
    addresses: body.addresses,
    priority: body.priority,
    numberFormat: body.numberFormat ?? 'e164-plus',
    trustsIdentity: body.trustsIdentity ?? false,
    enabled: body.enabled ?? true,
    optionsSeconds: body.optionsSeconds ?? 30,
  }
}

function isAddressOrBlock(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  if (!/^\d{1,3}$/.test(bits)) return false
  try {
    new BlockList().addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4')
    return true
  } catch {
    return false
  }
}

function answerOf(trunk: Trunk): Static<typeof TrunkAnswer> {
  return compact({ ...trunk, id: trunk.id as string, addresses: [...trunk.addresses] })
}
