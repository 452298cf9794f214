import { isUtf8 } from 'node:buffer'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { DomainError } from '../../domain/errors.ts'
import type { Inventory } from '../../numbers/inventory.ts'
import type { StockNumber } from '../../numbers/stock.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems } from '../problem.ts'
import {
  beginningShape,
  type ClassOf,
  carrierShape,
  cityShape,
  classShape,
} from './number-shapes.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
  listOf,
  pageOf,
  pageQuery,
  timeShape,
  timeText,
  virtualIn,
  virtualNumberShape,
} from './shapes.ts'

/** A million lines and some. */
const importBytesMax = 64 * 1024 * 1024
/** A million lines take a minute on a slow machine. */
const importMsMax = 600_000

const ImportQuery = Type.Object(
  {
    firstLine: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 1_000_000_000,
        description:
          'Number of the first line after the header, for a file that is sent in parts; each part begins with the header.',
      }),
    ),
  },
  closed,
)

const ImportBody = Type.String({
  description:
    'UTF-8 or GB18030. The first line names the columns: number, class, city, carrier (or 号码, 类型, 城市, 运营商); carrier may be missing.',
  examples: ['number,class,city,carrier\n17000000001,1,杭州,2\n95013000001,3,全国通用,\n'],
})

const ImportAnswer = Type.Object(
  {
    lines: Type.Integer({ description: 'Lines with a number.' }),
    added: Type.Integer(),
    unchanged: Type.Integer({ description: 'Were in stock before, with the same facts.' }),
    faulty: Type.Integer(),
    faults: Type.Array(
      Type.Object({
        line: Type.Integer(),
        detail: Type.String({ description: 'What is wrong and what to do.' }),
      }),
      { description: 'The first 200 of them.' },
    ),
  },
  {
    examples: [
      {
        lines: 3,
        added: 1,
        unchanged: 1,
        faulty: 1,
        faults: [{ line: 4, detail: 'city: not in the list of cities' }],
      },
    ],
  },
)

const stateShape = Type.Enum(['free', 'sold', 'returned', 'withdrawn'], {
  description:
    'free: can be bought; sold: somebody’s; returned: was released and rests; withdrawn: was released while frozen or faulty.',
})

const StockAnswer = Type.Object(
  {
    x: virtualNumberShape,
    class: classShape,
    city: cityShape,
    province: Type.Optional(Type.String({ examples: ['浙江'] })),
    carrier: Type.Optional(carrierShape),
    state: stateShape,
    restsUntil: Type.Optional(timeShape),
    addedAt: timeShape,
  },
  {
    examples: [
      {
        x: '+8617000000001',
        class: 1,
        city: '杭州',
        province: '浙江',
        carrier: 2,
        state: 'free',
        addedAt: '2030-01-30T02:00:00Z',
      },
    ],
  },
)
const stockColumns = [
  ...(['x', 'class', 'city', 'province', 'carrier', 'state', 'restsUntil', 'addedAt'] as const),
]

const countShape = Type.Integer({ examples: [5] })
const CountAnswer = Type.Object(
  {
    class: classShape,
    city: cityShape,
    province: Type.Optional(Type.String({ examples: ['浙江'] })),
    free: countShape,
    sold: countShape,
    returned: countShape,
    withdrawn: countShape,
  },
  {
    examples: [
      { class: 1, city: '杭州', province: '浙江', free: 5, sold: 2, returned: 0, withdrawn: 0 },
    ],
  },
)

const StockParams = Type.Object({ x: virtualNumberShape })
const StockQuery = Type.Object(
  {
    class: Type.Optional(classShape),
    city: Type.Optional(cityShape),
    carrier: Type.Optional(carrierShape),
    state: Type.Optional(stateShape),
    beginning: Type.Optional(beginningShape),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

type InventoryDeps = { inventory: Inventory; parser: NumberParser }
type App = Parameters<FastifyPluginAsyncTypebox>[0]

export const inventoryRoutes: FastifyPluginAsyncTypebox<InventoryDeps> = async (
  app,
  { inventory, parser },
) => {
  await app.register(importRoute, { inventory })
  addListRoutes(app, inventory)
  addSingleRoutes(app, { inventory, parser })
}

/** Apart from the other routes: only here a body may be CSV, and large. */
const importRoute: FastifyPluginAsyncTypebox<{ inventory: Inventory }> = async (
  app,
  { inventory },
) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'text/csv',
    { parseAs: 'buffer', bodyLimit: importBytesMax },
    async (_request: unknown, body: Buffer) => textOf(body),
  )
  app.addContentTypeParser('*', async () => {
    throw new DomainError(
      'media-type-unsupported',
      415,
      'Send the file as "Content-Type: text/csv".',
    )
  })
  app.post(
    '/inventory/imports',
    {
      config: { scope: 'operator' },
      bodyLimit: importBytesMax,
      handlerTimeout: importMsMax,
      schema: {
        operationId: 'importInventory',
        summary: 'Take X numbers into stock from CSV',
        description:
          'Good lines are taken in, faulty ones are named. A line that is in stock already with the same facts changes nothing, so the same file can be sent again. At most 64 MB at a time.',
        tags: ['inventory'],
        consumes: ['text/csv'],
        querystring: ImportQuery,
        body: ImportBody,
        response: { 200: ImportAnswer, ...problems(400, 413, 415, 422) },
      },
    },
    async (request) => {
      const { faults, ...counts } = await inventory.importCsv(
        piecesOf(request.body),
        request.query.firstLine,
      )
      return { ...counts, faults: [...faults] }
    },
  )
}

/** Spreadsheets in China save CSV in GB18030 or its ancestor GBK unless they are told otherwise. */
function textOf(body: Buffer): string {
  return isUtf8(body) ? body.toString('utf8') : new TextDecoder('gb18030').decode(body)
}

const pieceLength = 256 * 1024

/** A little at a time, so that others are served in between. */
function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += pieceLength) yield text.slice(at, at + pieceLength)
}

function addListRoutes(app: App, inventory: Inventory): void {
  app.get(
    '/inventory',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'listInventory',
        summary: 'X numbers in stock, sold ones too',
        tags: ['inventory'],
        querystring: StockQuery,
        response: { 200: pageOrCsv(pageOf(StockAnswer), stockColumns), ...problems(400, 422) },
      },
    },
    async (request, reply) => {
      const { class: class_, city, carrier, state, beginning } = request.query
      const filter = {
        class: class_ as ClassOf | undefined,
        city,
        carrier: carrier as ClassOf | undefined,
        state,
        beginning,
      }
      return sendList(request, reply, {
        name: 'inventory',
        columns: stockColumns,
        list: (part) => inventory.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.get(
    '/inventory/counts',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'countInventory',
        summary: 'How many X numbers there are of each class in each city, by state',
        tags: ['inventory'],
        response: { 200: listOf(CountAnswer), ...problems() },
      },
    },
    async () => ({ items: (await inventory.counts()).map((each) => compact(each)) }),
  )
}

function addSingleRoutes(app: App, { inventory, parser }: InventoryDeps): void {
  app.delete(
    '/inventory/:x',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'deleteFromInventory',
        summary: 'Take an X number out of stock, so that nobody can buy it',
        tags: ['inventory'],
        params: StockParams,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      await inventory.remove(virtualIn('params/x', request.params.x, parser))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/inventory/:x/restore',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'restoreToInventory',
        summary: 'Put an X number on sale again that was returned or withdrawn',
        tags: ['inventory'],
        params: StockParams,
        response: { 200: StockAnswer, ...problems(400, 404, 409) },
      },
    },
    async (request) =>
      answerOf(await inventory.restore(virtualIn('params/x', request.params.x, parser))),
  )
}

function answerOf(number: StockNumber): Static<typeof StockAnswer> {
  return compact({
    x: number.x as string,
    class: number.class,
    city: number.city,
    province: number.province,
    carrier: number.carrier,
    state: number.state,
    restsUntil: number.restsUntil === undefined ? undefined : timeText(number.restsUntil),
    addedAt: timeText(number.addedAt),
  })
}
