import { Type } from 'typebox'
import type { NumberClass } from '../../../numbers/price-list.ts'
import { type ActionContext, defineAction } from '../action.ts'
import type { Members } from '../answer.ts'
import { beginningField, cityField, specIdField } from './fields.ts'

/** For a city; `全国` all of them together; `全国列表` one by one; `全国通用` for numbers that begin with 95. */
export const querySecretNoRemain = defineAction({
  name: 'QuerySecretNoRemain',
  scope: 'read',
  perSecondMax: 1_000,
  schema: Type.Object({
    SpecId: specIdField,
    City: cityField,
    SecretNo: Type.Optional(beginningField),
  }),
  run: async (asked, context) => ({ SecretRemainDTO: await remainOf(asked, context) }),
})

type Asked = { SpecId: number; City: string; SecretNo?: string }

async function remainOf(asked: Asked, { rooms }: ActionContext): Promise<Members> {
  const everywhere = asked.City === '全国' || asked.City === '全国列表'
  const { left, cities } = await rooms.stockLeft.remaining({
    class: asked.SpecId as NumberClass,
    city: everywhere ? undefined : asked.City,
    beginning: asked.SecretNo,
  })
  const remainDTO =
    asked.City === '全国列表'
      ? cities.map(({ city, left: amount }) => ({ City: city, Amount: amount }))
      : []
  return { City: asked.City, Amount: left, RemainDTOList: { remainDTO } }
}
