import { randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import type { CliDeps } from './deps.ts'
import { tableText } from './table.ts'

type Quote = {
  quantity: number
  monthlyRent: string
  price: string
  left: number
  balance?: string
  affordable: boolean
}

type Order = {
  id: string
  poolKey: string
  product: string
  class: number
  city: string
  quantity: number
  price: string
  createdAt: string
  numbers: string[]
}

type CityStock = { city: string; province?: string; left: number }

type BuyOptions = ApiOptions & {
  product?: string
  pool?: string
  class: string
  city: string
  quantity: number
  beginning?: string
  price?: string
  key?: string
}

export function addPurchaseCommands(numbers: Command, deps: CliDeps): void {
  addCities(numbers, deps)
  addBuy(numbers, deps)
  addOrders(numbers, deps)
}

function addCities(numbers: Command, deps: CliDeps): void {
  addApiOptions(numbers.command('cities'))
    .description('Cities with what is left in stock at this moment.')
    .addOption(new Option('--class <n>', 'only of this class').choices(['1', '2', '3']))
    .option('--beginning <digits>', 'only numbers that begin so')
    .option('--all', 'also cities where nothing is left')
    .addHelpText('after', '\nExample:\n  axbridge numbers cities --class 1')
    .action(async (options: ApiOptions & { class?: string; beginning?: string; all?: boolean }) => {
      const api = await createApiClient(options, deps)
      const { class: class_, beginning } = options
      const all = options.all === true ? 'true' : undefined
      const query = { class: class_, beginning, all }
      const answer = await api.get<{ left: number; items: CityStock[] }>('/v1/cities', query)
      if (options.json === true) {
        deps.out(`${JSON.stringify(answer)}\n`)
        return
      }
      const rows = answer.items.map(({ city, province, left }) => [
        String(left),
        city,
        province ?? '',
      ])
      deps.out(tableText(['LEFT', 'CITY', 'PROVINCE'], rows))
      deps.out(`${answer.left} in all.\n`)
    })
}

function addBuy(numbers: Command, deps: CliDeps): void {
  addApiOptions(numbers.command('buy'))
    .description('Buy X numbers at random. Shows the price first; buys with --price.')
    .option('--product <product>', 'AXB, AXN, AXN_EXTENSION, 95AXN, AXG or X_MODE')
    .option('--pool <key>', 'pool that they go into (default: the oldest of the product)')
    .addOption(
      new Option('--class <n>', '1 virtual operator, 2 carrier, 3 nationwide')
        .choices(['1', '2', '3'])
        .makeOptionMandatory(),
    )
    .requiredOption('--city <name>', 'where they belong; 全国通用 for class 3')
    .option('--quantity <n>', '1 to 1000', parseCount, 1)
    .option('--beginning <digits>', 'only numbers that begin so')
    .option('--price <yuan>', 'buy for this price, as it was shown')
    .option('--key <text>', 'idempotency key: the same key never buys twice (default: random)')
    .addHelpText(
      'after',
      `
Example:
  axbridge numbers buy --product AXB --class 1 --city 杭州 --quantity 20
  axbridge numbers buy --product AXB --class 1 --city 杭州 --quantity 20 --price 100.00`,
    )
    .action(async (options: BuyOptions) => {
      const api = await createApiClient(options, deps)
      const { product, pool: poolKey, city, quantity, beginning, price } = options
      const wish = given({ product, poolKey, class: Number(options.class), city, quantity })
      if (price === undefined) {
        const quote = await api.post<Quote>('/v1/orders/quote', wish)
        deps.out(options.json === true ? `${JSON.stringify(quote)}\n` : quoteText(quote))
        return
      }
      const body = { ...wish, ...given({ beginning, expectedPrice: price }) }
      const headers = { 'idempotency-key': options.key ?? randomUUID() }
      const order = await api.post<Order>('/v1/orders', body, headers)
      deps.out(
        options.json === true
          ? `${JSON.stringify(order)}\n`
          : `${order.numbers.join('\n')}\nOrder ${order.id}: ${order.quantity} numbers for ${order.price} yuan, in pool ${order.poolKey}.\n`,
      )
    })
}

function given(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function quoteText({ quantity, price, monthlyRent, left, balance, affordable }: Quote): string {
  const account = balance === undefined ? '' : ` The balance is ${balance} yuan.`
  const advice = affordable
    ? `To buy, add --price ${price}`
    : 'This cannot be bought now: there is too little in stock or on the account.'
  return `${quantity} numbers cost ${price} yuan now: ${monthlyRent} each per calendar month, not refunded. ${left} are in stock.${account}\n${advice}\n`
}

function addOrders(numbers: Command, deps: CliDeps): void {
  addApiOptions(numbers.command('orders'))
    .description('What was bought, newest first.')
    .option('--pool <key>', 'only into this pool')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge numbers orders --limit 20')
    .action(async (options: ApiOptions & { pool?: string; limit: number; cursor?: string }) => {
      const api = await createApiClient(options, deps)
      const { pool: poolKey, limit, cursor } = options
      const query = { poolKey, limit: String(limit), cursor }
      const page = await api.get<Page<Order>>('/v1/orders', query)
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        each.id,
        each.createdAt,
        each.poolKey,
        each.product,
        String(each.class),
        String(each.quantity),
        each.price,
        each.city,
      ])
      deps.out(tableText(['ID', 'TIME', 'POOL', 'PRODUCT', 'CLASS', 'COUNT', 'YUAN', 'CITY'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}
