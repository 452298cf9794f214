import { expect, test } from 'vitest'
import type { VirtualNumber } from '../../../src/domain/ids.ts'
import { bindingGround } from '../../support/binding-ground.ts'
import { apiRooms, inMinutes, mainAccount, person, until } from '../../support/data-rooms.ts'

const ground = bindingGround()

test('what was extended just before its end is not taken for expired by a bind that waited for it', async () => {
  const [x] = ground.numbers(1) as [VirtualNumber]
  const poolKey = await ground.pool({ product: 'AXN' }, [{ numbers: [x] }])
  ground.now = new Date()
  const bound = await ground.bindings.bind(
    ground.command(poolKey, { x, expiresAt: inMinutes(5, ground.now) }),
  )
  const late = inMinutes(6, ground.now)
  const lateRooms = apiRooms({ sql: ground.sql, redis: ground.redis, clock: { now: () => late } })
  const waiting = async (count: number) => {
    const [row] = await ground.sql.rows<{ count: number }>({
      name: '',
      text: `select count(*)::int as count from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock'`,
      values: [],
    })
    return row?.count === count
  }

  const extended = await ground.sql
    .transaction(async (session) => {
      const text = 'select 1 from number where x = $1 for update'
      await session.rows({ name: '', text, values: [x] })
      const change = { expiresAt: inMinutes(60, ground.now) }
      const update = ground.bindings.update({ accountId: mainAccount, id: bound.id, change })
      await until(() => waiting(1))
      const bind = lateRooms.bindings.bind({
        ...ground.command(poolKey, { x, a: person(3), b: undefined }),
        expiresAt: inMinutes(60, late),
      })
      const refused = expect(bind).rejects.toMatchObject({ code: 'bind-conflict' })
      await until(() => waiting(2))
      return [update, refused] as const
    })

    .then(async ([update, refused]) => {
      await refused
      return update
    })

  expect(extended.state).toBe('live')
  const shown = await lateRooms.bindings.get(mainAccount, bound.id)
  expect(shown.state).toBe('live')
  expect(await ground.drifted()).toEqual([])
  await lateRooms.publisher.close()
})
