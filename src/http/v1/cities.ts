import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Cities } from '../../numbers/cities.ts'
import type { CityStock, StockLeft } from '../../numbers/remaining.ts'
import { problems } from '../problem.ts'
import { beginningShape, type ClassOf, cityShape, classShape } from './number-shapes.ts'
import { closed, compact } from './shapes.ts'

const CityQuery = Type.Object(
  {
    class: Type.Optional(classShape),
    city: Type.Optional({
      ...cityShape,
      description: 'Only this one, in any usual way to write it; 全国通用: the nationwide numbers.',
    }),
    beginning: Type.Optional(beginningShape),
    all: Type.Optional(
      Type.Boolean({ description: '`true`: also the cities where nothing is left.' }),
    ),
  },
  closed,
)

const leftShape = Type.Integer({ description: 'Numbers that can be bought at this moment.' })

const CityAnswer = Type.Object({
  city: cityShape,
  province: Type.Optional(Type.String({ examples: ['浙江'] })),
  left: leftShape,
  leftByClass: Type.Object({ '1': leftShape, '2': leftShape, '3': leftShape }),
})

const CitiesAnswer = Type.Object(
  { left: leftShape, items: Type.Array(CityAnswer) },
  {
    examples: [
      {
        left: 8,
        items: [
          { city: '杭州', province: '浙江', left: 8, leftByClass: { '1': 5, '2': 3, '3': 0 } },
        ],
      },
    ],
  },
)

type CityDeps = { cities: Pick<Cities, 'list' | 'knownCity'>; stockLeft: StockLeft }

export const cityRoutes: FastifyPluginAsyncTypebox<CityDeps> = async (
  app,
  { cities, stockLeft },
) => {
  app.get(
    '/cities',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listCities',
        summary: 'Cities that can be asked for, with what is left in stock at this moment',
        description:
          'Names are those of the list; nationwide numbers have 全国通用 and come first.',
        tags: ['numbers'],
        querystring: CityQuery,
        response: { 200: CitiesAnswer, ...problems(400, 422) },
      },
    },
    async (request) => {
      const { class: class_, city, beginning, all } = request.query
      const found = await stockLeft.remaining({
        class: class_ as ClassOf | undefined,
        city,
        beginning,
      })
      const shown = all === true ? withEmpty(found.cities, cities, city) : found.cities
      return { left: found.left, items: shown.map((each) => answerOf(each)) }
    },
  )
}

function withEmpty(
  found: readonly CityStock[],
  cities: CityDeps['cities'],
  only: string | undefined,
): readonly CityStock[] {
  const known = new Map(found.map((each) => [each.city, each]))
  const nationwide = found.filter(({ province }) => province === undefined)
  const wanted = only === undefined ? undefined : cities.knownCity(only)
  const listed = cities.list
    .filter(({ name }) => only === undefined || name === wanted)
    .map(({ name: city, province }) => {
      const nothing = { city, province, left: 0, byClass: { 1: 0, 2: 0, 3: 0 } }
      return known.get(city) ?? nothing
    })
  return [...nationwide, ...listed]
}

function answerOf({ city, province, left, byClass }: CityStock) {
  const leftByClass = { '1': byClass[1], '2': byClass[2], '3': byClass[3] }
  return compact({ city, province, left, leftByClass })
}
