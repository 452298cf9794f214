import type { Alarm } from '../../../src/alarms/alarm.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import type { GroupId, PoolKey } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import type { V1Rooms } from '../../../src/http/v1/v1-routes.ts'
import type { BlockedCaller, BlockedPair } from '../../../src/numbers/blacklist-entry.ts'
import type { Group } from '../../../src/numbers/group.ts'
import type { Pool } from '../../../src/numbers/pool.ts'

/** What hangs on one pool, in memory: one of everything. */
export function poolRooms(
  pool: Pool,
  [a, b]: readonly [PhoneNumber, PhoneNumber],
): Pick<V1Rooms, 'pools' | 'blacklist' | 'groups' | 'alarms'> {
  const { accountId, key: poolKey } = pool
  const one = { id: '17', poolKey, remark: 'spam', createdAt: new Date('2030-01-30T02:00:00Z') }
  const caller: BlockedCaller = { ...one, number: a }
  const pair: BlockedPair = { ...one, first: a, second: b, way: 'DUPLEX_REJECT' }
  const group = aGroup({ poolKey })
  const known = (id: string) => {
    if (id !== group.id) throw new DomainError('group-unknown', 404, 'There is none.')
    return group
  }
  const page = <Item>(item: Item) => ({ items: [item], nextCursor: undefined })
  return {
    pools: {
      create: async ({ name, product }) => ({ ...pool, name, product }),
      get: async () => pool,
      change: async (_account, _key, { name }) => ({ ...pool, name: name ?? pool.name }),
      list: async () => page(pool),
      countByProduct: async () => new Map([['AXB', 2]]),
    },
    blacklist: {
      blockCaller: async ({ remark }) => ({ entry: { ...caller, remark }, added: true }),
      blockPair: async ({ way, remark }) => ({ entry: { ...pair, way, remark }, added: false }),
      unblockCaller: async () => undefined,
      unblockPair: async () => undefined,
      callers: async () => page(caller),
      pairs: async () => page(pair),
    },
    groups: {
      create: async ({ numbers, ...given }) =>
        aGroup({ ...group, remark: given.remark, members: numbers?.length ?? 0 }),
      get: async ({ id }) => known(id),
      change: async ({ id }, { name }) => ({ ...known(id), name: name ?? group.name }),
      edit: async ({ id }, _edit, numbers) => ({
        group: known(id),
        added: numbers.length,
        removed: 0,
      }),
      remove: async ({ id }) => void known(id),
      list: async () => page(group),
      members: async () => page({ number: a, addedAt: one.createdAt }),
    },
    alarms: { list: async () => page(anAlarm({ accountId, poolKey })) },
  }
}

export function aGroup(given: Partial<Group> = {}): Group {
  return {
    id: '2000000000001' as GroupId,
    poolKey: 'FC100000000000001' as PoolKey,
    name: 'Night shift',
    remark: undefined,
    members: 2,
    createdAt: new Date('2030-01-30T02:00:00Z'),
    ...given,
  }
}

function anAlarm(given: Pick<Alarm, 'accountId' | 'poolKey'>): Alarm {
  return {
    id: '1000000001',
    kind: 'pool-utilisation',
    percent: 80.5,
    threshold: 80,
    subject: undefined,
    facts: {},
    unwatched: false,
    raisedAt: new Date('2030-01-30T02:00:00Z'),
    clearedAt: undefined,
    ...given,
  }
}
