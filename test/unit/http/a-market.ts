import type { AccountId, PoolKey, VirtualNumber } from '../../../src/domain/ids.ts'
import type { Li } from '../../../src/domain/money.ts'
import type { V1Rooms } from '../../../src/http/v1/v1-routes.ts'
import type { Order } from '../../../src/numbers/order.ts'
import type { StockNumber } from '../../../src/numbers/stock.ts'

/** The rooms that sell X numbers, as small objects in memory. */
export function aMarket(): Pick<V1Rooms, 'cities' | 'stockLeft' | 'inventory' | 'orders'> {
  return {
    cities: {
      list: [
        { name: '杭州', province: '浙江' },
        { name: '宁波', province: '浙江' },
      ],
      knownCity: (name) => ['杭州', '宁波'].find((each) => name.startsWith(each)),
    },
    stockLeft: {
      remaining: async () => ({
        left: 12,
        cities: [
          { city: '全国通用', province: undefined, left: 4, byClass: { 1: 0, 2: 0, 3: 4 } },
          { city: '杭州', province: '浙江', left: 8, byClass: { 1: 5, 2: 3, 3: 0 } },
        ],
      }),
    },
    inventory: {
      importCsv: async (csv) => {
        let text = ''
        for await (const part of csv) text += String(part)
        const lines = text.trim().split('\n').length - 1
        const faults = [{ line: 3, detail: 'city: missing' }]
        return { lines, added: lines - 1, unchanged: 0, faulty: 1, faults }
      },
      list: async () => ({ items: [aStockNumber()], nextCursor: undefined }),
      counts: async () => [
        { class: 1, city: '杭州', province: '浙江', free: 5, sold: 2, returned: 0, withdrawn: 0 },
      ],
      remove: async () => undefined,
      restore: async () => aStockNumber(),
    },
    orders: {
      quote: async ({ accountId: _, ...wish }) => ({
        ...anOrder(),
        ...wish,
        product: wish.product ?? 'AXB',
        left: 7,
        balance: 12_500 as Li,
      }),
      place: async (order) => anOrder({ quantity: order.quantity, paid: order.expectedPrice }),
      get: async () => anOrder(),
      list: async () => ({ items: [anOrder()], nextCursor: undefined }),
    },
  }
}

function aStockNumber(): StockNumber {
  return {
    x: '+8617000000001' as VirtualNumber,
    class: 1,
    city: '杭州',
    province: '浙江',
    carrier: undefined,
    state: 'free',
    restsUntil: undefined,
    addedAt: new Date('2030-01-30T02:00:00Z'),
  }
}

function anOrder(given: { quantity?: number; paid?: Li | undefined } = {}): Order {
  return {
    id: '1000000001',
    accountId: 'main' as AccountId,
    poolKey: 'FC100000000000001' as PoolKey,
    product: 'AXB',
    class: 1,
    city: '杭州',
    quantity: given.quantity ?? 1,
    rent: 5000 as Li,
    price: 10_000 as Li,
    paid: given.paid ?? (10_000 as Li),
    numbers: ['+8617000000001' as VirtualNumber],
    createdAt: new Date('2030-01-30T02:00:00Z'),
  }
}
