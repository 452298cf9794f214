import { expect, test } from 'vitest'
import { DomainError } from '../../../src/domain/errors.ts'
import type { AddNumbers, NumberFilter } from '../../../src/numbers/number.ts'
import type { Numbers } from '../../../src/numbers/numbers.ts'
import type { OrderFilter, PlaceOrder } from '../../../src/numbers/order.ts'
import type { StockFilter } from '../../../src/numbers/stock.ts'
import { aMarket } from './a-market.ts'
import { aNumber, anApi } from './an-app.ts'

const unused = async (): Promise<never> => {
  throw new Error('not in this test')
}

function someNumbers(given: Partial<Numbers>): Numbers {
  return {
    add: unused,
    get: unused,
    list: unused,
    totals: unused,
    remove: unused,
    lock: unused,
    unlock: unused,
    note: unused,
    stop: unused,
    resume: unused,
    ...given,
  }
}

test('a number is answered with all that is known of it', async () => {
  const { ask } = await anApi()
  expect((await ask('/v1/numbers/17012345678')).json()).toEqual({
    x: '+8617012345678',
    poolKey: 'FC100000000000001',
    product: 'AXB',
    class: 1,
    carrier: 2,
    city: '杭州',
    province: '浙江',
    state: 'normal',
    bindings: 1,
    moreBindings: 199,
    certified: false,
    monthlyRent: '5.00',
    orderId: '1000000001',
    createdAt: '2030-01-30T02:00:00Z',
  })
})

test('numbers are added with class and carrier', async () => {
  let added: AddNumbers | undefined
  const numbers = someNumbers({
    add: async (command) => {
      added = command
      return [aNumber()]
    },
  })
  const { ask } = await anApi({ rooms: { numbers } })
  const payload = { poolKey: aNumber().poolKey, numbers: ['17012345678'], class: 2, carrier: 3 }
  expect((await ask({ method: 'POST', url: '/v1/numbers', payload })).statusCode).toBe(201)
  expect(added).toMatchObject({ class: 2, carrier: 3, numbers: ['+8617012345678'] })
})

test('numbers are listed with every filter, and as CSV', async () => {
  let asked: NumberFilter | undefined
  const numbers = someNumbers({
    list: async (filter) => {
      asked = filter
      return { items: [aNumber({ note: '=1+1' })], nextCursor: undefined }
    },
  })
  const { ask } = await anApi({ rooms: { numbers } })
  const city = encodeURIComponent('杭州')
  const query = `poolKey=FC100000000000001&product=AXB&city=${city}&class=1&state=faulty&bound=true&certified=false&beginning=170&sort=createdAt&order=descending`
  expect((await ask(`/v1/numbers?${query}`)).statusCode).toBe(200)
  expect(asked).toMatchObject({
    poolKey: 'FC100000000000001',
    product: 'AXB',
    city: '杭州',
    class: 1,
    state: 'faulty',
    bound: true,
    certified: false,
    beginning: '170',
    sort: 'createdAt',
    order: 'descending',
  })
  const csv = await ask('/v1/numbers?format=csv')
  expect(csv.headers['content-type']).toContain('text/csv')
  expect(csv.body).toContain('+8617012345678,FC100000000000001,AXB,1,2,杭州,浙江,normal,1,199')
  expect(csv.body).toContain(`'=1+1`)
})

test('a note is set and removed, and there is nothing else to change', async () => {
  const { ask } = await anApi()
  const patch = (payload: object) =>
    ask({ method: 'PATCH', url: '/v1/numbers/17012345678', payload })
  expect((await patch({ note: '备用' })).json()).toMatchObject({ note: '备用' })
  expect((await patch({ note: null })).json()).not.toHaveProperty('note')
  expect((await patch({ note: '' })).statusCode).toBe(400)
  expect((await patch({ note: 'a', city: '杭州' })).statusCode).toBe(400)
  expect((await ask('/v1/numbers/totals?product=AXB')).json()).toMatchObject({ numbers: 20 })
})

test.each([
  ['freeze', 'frozen'],
  ['fault', 'faulty'],
  ['resume', 'normal'],
])('the operator can %s a number', async (action, state) => {
  const { ask } = await anApi()
  const done = await ask({ method: 'POST', url: `/v1/numbers/17012345678/${action}` })
  expect(done.json()).toMatchObject({ state })
})

test('cities are those with something left, or all of them', async () => {
  const { ask } = await anApi()
  const citiesOf = async (query: string) =>
    (await ask(`/v1/cities${query}`)).json().items.map((each: { city: string }) => each.city)
  expect((await ask('/v1/cities')).json()).toEqual({
    left: 12,
    items: [
      { city: '全国通用', left: 4, leftByClass: { '1': 0, '2': 0, '3': 4 } },
      { city: '杭州', province: '浙江', left: 8, leftByClass: { '1': 5, '2': 3, '3': 0 } },
    ],
  })
  expect(await citiesOf('?all=true')).toEqual(['全国通用', '杭州', '宁波'])
  expect(await citiesOf(`?all=true&city=${encodeURIComponent('宁波市')}`)).toContain('宁波')
  expect((await ask('/v1/cities?class=4')).statusCode).toBe(400)
  expect((await ask('/v1/cities?beginning=17x')).statusCode).toBe(400)
})

test('an order is quoted and placed, and prices are yuan', async () => {
  let placed: PlaceOrder | undefined
  const market = aMarket()
  const place = async (order: PlaceOrder) => {
    placed = order
    return market.orders.place(order)
  }
  const { ask } = await anApi({ rooms: { orders: { ...market.orders, place } } })
  const wish = { product: 'AXB', class: 1, city: '杭州', quantity: 2 }
  const quote = await ask({ method: 'POST', url: '/v1/orders/quote', payload: wish })
  expect(quote.json()).toEqual({
    ...wish,
    monthlyRent: '5.00',
    price: '10.00',
    left: 7,
    balance: '12.50',
    affordable: true,
  })
  const order = await ask({
    method: 'POST',
    url: '/v1/orders',
    headers: { 'idempotency-key': 'k-1' },
    payload: { ...wish, beginning: '170', expectedPrice: '10.00' },
  })
  expect(order.statusCode).toBe(201)
  expect(order.headers['location']).toBe('/v1/orders/1000000001')
  expect(order.json()).toMatchObject({
    id: '1000000001',
    quantity: 2,
    price: '10.00',
    numbers: ['+8617000000001'],
  })
  expect(placed).toMatchObject({
    accountId: 'main',
    beginning: '170',
    expectedPrice: 10_000,
    idempotencyKey: 'k-1',
  })
})

test.each([
  [{}, 'body/class'],
  [{ class: 1, city: '杭州', quantity: 0 }, 'body/quantity'],
  [{ class: 1, city: '杭州', quantity: 1001 }, 'body/quantity'],
  [{ class: 4, city: '杭州', quantity: 1 }, 'body/class'],
  [{ class: 1, city: '', quantity: 1 }, 'body/city'],
  [{ class: 1, city: '杭州', quantity: 1, expectedPrice: '10' }, 'body/expectedPrice'],
  [{ class: 1, city: '杭州', quantity: 1, beginning: '1%' }, 'body/beginning'],
])('the order %j is refused by its place', async (payload, pointer) => {
  const { ask } = await anApi()
  const answer = await ask({ method: 'POST', url: '/v1/orders', payload })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().errors[0].pointer).toBe(pointer)
})

test('a refusal to sell is a problem with the vendor’s code', async () => {
  const refusal = new DomainError('balance-low', 402, 'Top up.', {
    vendorCode: 'isv.OUT_OF_SERVICE',
  })
  const orders = { ...aMarket().orders, place: () => Promise.reject(refusal) }
  const { ask } = await anApi({ rooms: { orders } })
  const payload = { product: 'AXB', class: 1, city: '杭州', quantity: 1 }
  const answer = await ask({ method: 'POST', url: '/v1/orders', payload })
  expect(answer.statusCode).toBe(402)
  expect(answer.json()).toMatchObject({
    code: 'balance-low',
    title: 'Payment Required',
    vendorCode: 'isv.OUT_OF_SERVICE',
  })
})

test('orders are listed with their filters, shown, and had as CSV', async () => {
  let asked: OrderFilter | undefined
  const market = aMarket()
  const list = async (filter: OrderFilter) => {
    asked = filter
    return market.orders.list(filter)
  }
  const { ask } = await anApi({ rooms: { orders: { ...market.orders, list } } })
  const query =
    'poolKey=FC100000000000001&product=AXB&class=1&order=oldest&from=2030-01-01T00:00:00Z&until=2030-02-01T00:00:00%2B08:00'
  expect((await ask(`/v1/orders?${query}`)).json().items).toHaveLength(1)
  expect(asked).toMatchObject({
    order: 'oldest',
    from: new Date('2030-01-01T00:00:00Z'),
    until: new Date('2030-01-31T16:00:00Z'),
  })
  expect((await ask('/v1/orders?format=csv')).body).toContain('1000000001,FC100000000000001,AXB')
  expect((await ask('/v1/orders/1000000001')).json()).toMatchObject({ paid: '10.00' })
  expect((await ask('/v1/orders/none')).statusCode).toBe(400)
})

const csvFile = 'number,class,city\n17000000001,1,杭州\n17000000002,1,\n'
const importOf = (payload: string | Buffer, type = 'text/csv; charset=utf-8') => ({
  method: 'POST' as const,
  url: '/v1/inventory/imports?firstLine=50',
  headers: { 'content-type': type },
  payload,
})

test('stock is imported from CSV, in UTF-8 or as spreadsheets in China save it', async () => {
  const seen: unknown[] = []
  const market = aMarket()
  const inventory = {
    ...market.inventory,
    importCsv: async (csv: Iterable<string | Uint8Array>, firstLine?: number) => {
      seen.push([[...csv].join(''), firstLine])
      return market.inventory.importCsv([csvFile])
    },
  }
  const { ask } = await anApi({ rooms: { inventory: inventory as never } })
  expect((await ask(importOf(csvFile))).json()).toEqual({
    lines: 2,
    added: 1,
    unchanged: 0,
    faulty: 1,
    faults: [{ line: 3, detail: 'city: missing' }],
  })
  // 杭州 in GBK.
  const gbk = Buffer.concat([Buffer.from('x,'), Buffer.from([0xba, 0xbc, 0xd6, 0xdd])])
  await ask(importOf(gbk))
  expect(seen).toEqual([
    [csvFile, 50],
    ['x,杭州', 50],
  ])
})

test('an import may be large, and only there', async () => {
  const { ask } = await anApi()
  const lines = 100_000
  const large = `number,class,city\n${'17000000001,1,杭州\n'.repeat(lines)}`
  expect(Buffer.byteLength(large)).toBeGreaterThan(2_000_000)
  expect((await ask(importOf(large))).json()).toMatchObject({ lines })
  const order = await ask({ method: 'POST', url: '/v1/orders', payload: { city: large } })
  expect(order.statusCode).toBe(413)
  const csvOrder = await ask({ ...importOf(csvFile), url: '/v1/orders' })
  expect(csvOrder.statusCode).toBe(415)
})

test('an import that is not CSV is told what to send', async () => {
  const { ask } = await anApi()
  const answer = await ask(importOf('{}', 'application/json'))
  expect(answer.statusCode).toBe(415)
  expect(answer.json().detail).toContain('text/csv')
})

test('stock is listed with its filters, counted, taken out and put back', async () => {
  let asked: StockFilter | undefined
  const market = aMarket()
  const list = async (filter: StockFilter) => {
    asked = filter
    return market.inventory.list(filter)
  }
  const { ask } = await anApi({ rooms: { inventory: { ...market.inventory, list } } })
  const query = 'class=1&state=free&carrier=2&beginning=170'
  expect((await ask(`/v1/inventory?${query}`)).json().items[0]).toMatchObject({ state: 'free' })
  expect(asked).toMatchObject({ class: 1, state: 'free', carrier: 2, beginning: '170' })
  expect((await ask('/v1/inventory?format=csv')).body).toContain('+8617000000001,1,杭州')
  expect((await ask('/v1/inventory/counts')).json().items[0]).toMatchObject({ free: 5, sold: 2 })
  const gone = await ask({ method: 'DELETE', url: '/v1/inventory/17000000001' })
  expect(gone.statusCode).toBe(204)
  const back = await ask({ method: 'POST', url: '/v1/inventory/17000000001/restore' })
  expect(back.json()).toMatchObject({ x: '+8617000000001' })
})
