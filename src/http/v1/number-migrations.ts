import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { MigrationId, PoolKey } from '../../domain/ids.ts'
import type {
  MigrationSelection,
  MoveOutcome,
  NumberMigration,
  NumberMove,
} from '../../numbers/number-migration.ts'
import type { NumberMigrations } from '../../numbers/number-migrations.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems, RequestRefused } from '../problem.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
  lineOfText,
  pageOf,
  pageQuery,
  poolKeyShape,
  productShape,
  timeShape,
  timeText,
  virtualIn,
  virtualNumberShape,
  virtualsIn,
} from './shapes.ts'

const cityShape = lineOfText(32, { description: 'Where the number belongs.', examples: ['杭州'] })
const idShape = Type.String({
  pattern: '^[1-9]\\d{0,14}$',
  description: 'Id of a run.',
  examples: ['1000000001'],
})
const resultShape = Type.Enum(['moved', 'bound', 'frozen', 'faulty', 'not-in-pool', 'unknown'], {
  description: '`moved`; anything else left the number where it was, and says why.',
})

const MigrationRequest = Type.Object(
  {
    fromPoolKey: poolKeyShape,
    toPoolKey: { ...poolKeyShape, description: 'Key of the new pool, of the same product.' },
    count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'Any so many unbound numbers; this or `numbers`.',
        examples: [20],
      }),
    ),
    city: Type.Optional({ ...cityShape, description: 'With `count`: only numbers of this city.' }),
    numbers: Type.Optional(
      Type.Array(virtualNumberShape, {
        minItems: 1,
        maxItems: 500,
        description: 'These numbers; this or `count`.',
      }),
    ),
  },
  {
    ...closed,
    examples: [
      { fromPoolKey: 'FC100000000000001', toPoolKey: 'FC100000000000002', count: 20, city: '杭州' },
      {
        fromPoolKey: 'FC100000000000001',
        toPoolKey: 'FC100000000000002',
        numbers: ['+8617000000001', '+8617000000002'],
      },
    ],
  },
)

const migrationFields = {
  id: idShape,
  createdAt: timeShape,
  fromPoolKey: poolKeyShape,
  fromPoolName: Type.String({ description: 'As it was called then.', examples: ['Couriers'] }),
  toPoolKey: poolKeyShape,
  toPoolName: Type.String({ examples: ['Drivers'] }),
  product: productShape,
  selectedBy: Type.Enum(['count', 'list']),
  city: Type.Optional(cityShape),
  asked: Type.Integer({ description: 'X numbers asked for.', examples: [20] }),
  succeeded: Type.Integer({ description: 'X numbers that moved.', examples: [19] }),
}

const migrationExample = {
  id: '1000000001',
  createdAt: '2030-01-30T02:00:00Z',
  fromPoolKey: 'FC100000000000001',
  fromPoolName: 'Couriers',
  toPoolKey: 'FC100000000000002',
  toPoolName: 'Drivers',
  product: 'AXB',
  selectedBy: 'list',
  asked: 2,
  succeeded: 1,
}

const moveExamples = [
  { x: '+8617000000001', city: '杭州', result: 'moved' },
  {
    x: '+8617000000002',
    result: 'bound',
    reason: 'It has a binding. Unbind it, then move it.',
  },
]

const MoveAnswer = Type.Object(
  {
    x: virtualNumberShape,
    city: Type.Optional(cityShape),
    result: resultShape,
    reason: Type.Optional(Type.String({ description: 'Why it did not move, and what to do.' })),
  },
  { examples: moveExamples },
)
const MigrationAnswer = Type.Object(migrationFields, { examples: [migrationExample] })
const MigrationResult = Type.Object(
  { ...migrationFields, numbers: Type.Array(MoveAnswer) },
  { examples: [{ ...migrationExample, numbers: moveExamples }] },
)

const MigrationHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]*$',
      description: 'The same key with the same body gives the same run, however often it is sent.',
      examples: ['8f14e45f-ceea-467f-a8f2-6c1d1c1f2b0a'],
    }),
  ),
})

const MigrationQuery = Type.Object(
  {
    fromPoolKey: Type.Optional(poolKeyShape),
    toPoolKey: Type.Optional(poolKeyShape),
    x: Type.Optional(virtualNumberShape),
    order: Type.Optional(
      Type.Enum(['newest', 'oldest'], { description: 'Which come first; `newest` unless given.' }),
    ),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

const MoveQuery = Type.Object(
  { result: Type.Optional(resultShape), ...pageQuery, ...csvQuery },
  closed,
)

const migrationColumns = Object.keys(migrationFields) as (keyof typeof migrationFields)[]
const moveColumns = ['x', 'city', 'result', 'reason'] as const

type MigrationDeps = { numberMigrations: NumberMigrations; parser: NumberParser }

export const numberMigrationRoutes: FastifyPluginAsyncTypebox<MigrationDeps> = async (
  app,
  { numberMigrations, parser },
) => {
  app.post(
    '/number-migrations',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'migrateNumbers',
        summary: 'Move unbound X numbers to another pool of the same product',
        description:
          'What can be moved is moved; of each of the rest the answer says why not. The rent of this month stays with the old pool.',
        tags: ['numbers'],
        headers: MigrationHeaders,
        body: MigrationRequest,
        response: { 201: MigrationResult, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { fromPoolKey, toPoolKey } = request.body
      const { migration, moves } = await numberMigrations.run({
        accountId: principalOf(request).accountId,
        from: fromPoolKey as PoolKey,
        to: toPoolKey as PoolKey,
        selection: selectionOf(request.body, parser),
        idempotencyKey: request.headers['idempotency-key'],
      })
      reply.header('location', `/v1/number-migrations/${migration.id}`)
      const numbers = moves.map((each) => moveAnswer(each))
      return reply.code(201).send({ ...answerOf(migration), numbers })
    },
  )

  addReadRoutes(app, { numberMigrations, parser })
}

function addReadRoutes(
  app: Parameters<FastifyPluginAsyncTypebox>[0],
  { numberMigrations, parser }: MigrationDeps,
): void {
  app.get(
    '/number-migrations',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listNumberMigrations',
        summary: 'Runs of moving numbers between pools',
        tags: ['numbers'],
        querystring: MigrationQuery,
        response: {
          200: pageOrCsv(pageOf(MigrationAnswer), migrationColumns),
          ...problems(400, 422),
        },
      },
    },
    async (request, reply) => {
      const { fromPoolKey, toPoolKey, x, order } = request.query
      const filter = {
        accountId: principalOf(request).accountId,
        from: fromPoolKey as PoolKey | undefined,
        to: toPoolKey as PoolKey | undefined,
        x: x === undefined ? undefined : virtualIn('querystring/x', x, parser),
        order,
      }
      return sendList(request, reply, {
        name: 'migrations',
        columns: migrationColumns,
        list: (part) => numberMigrations.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.get(
    '/number-migrations/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getNumberMigration',
        summary: 'One run of moving numbers',
        tags: ['numbers'],
        params: Type.Object({ id: idShape }),
        response: { 200: MigrationAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await numberMigrations.get(accountId, request.params.id as MigrationId))
    },
  )

  app.get(
    '/number-migrations/:id/numbers',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listMovedNumbers',
        summary: 'What became of each X number of a run',
        tags: ['numbers'],
        params: Type.Object({ id: idShape }),
        querystring: MoveQuery,
        response: { 200: pageOrCsv(pageOf(MoveAnswer), moveColumns), ...problems(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { result: outcome } = request.query
      const id = request.params.id as MigrationId
      const { accountId } = principalOf(request)
      return sendList(request, reply, {
        name: `migration-${id}`,
        columns: moveColumns,
        list: (part) => numberMigrations.moves({ accountId, id, outcome, ...part }),
        answer: moveAnswer,
      })
    },
  )
}

function selectionOf(
  { count, city, numbers }: Static<typeof MigrationRequest>,
  parser: NumberParser,
): MigrationSelection {
  if ((count === undefined) === (numbers === undefined)) {
    throw new RequestRefused([{ pointer: 'body', detail: 'must have either count or numbers' }])
  }
  if (numbers === undefined) return { by: 'count', count: count ?? 0, city }
  if (city !== undefined) {
    throw new RequestRefused([{ pointer: 'body/city', detail: 'goes only with count; remove it' }])
  }
  return { by: 'list', numbers: virtualsIn('body/numbers', numbers, parser) }
}

function answerOf(run: NumberMigration): Static<typeof MigrationAnswer> {
  return compact({
    id: run.id as string,
    createdAt: timeText(run.createdAt),
    fromPoolKey: run.from.key as string,
    fromPoolName: run.from.name,
    toPoolKey: run.to.key as string,
    toPoolName: run.to.name,
    product: run.product,
    selectedBy: run.selectedBy,
    city: run.city,
    asked: run.asked,
    succeeded: run.succeeded,
  })
}

const reasons: Readonly<Record<MoveOutcome, string | undefined>> = {
  moved: undefined,
  bound: 'It has a binding. Unbind it, then move it.',
  frozen: 'It is frozen by the operator.',
  faulty: 'It is out of order.',
  'not-in-pool': 'It is in another pool.',
  unknown: 'It is not one of your numbers.',
}

function moveAnswer({ x, city, outcome }: NumberMove): Static<typeof MoveAnswer> {
  return compact({ x: x as string, city, result: outcome, reason: reasons[outcome] })
}
