import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { AddCertifier, NumbersToCertify } from './certifier.ts'
import { type CertifierRow, certifierColumns } from './certifier-rows.ts'
import {
  certifierIsVirtual,
  illegal,
  needsNone,
  nothingToCertify,
  numbersUnknown,
  poolUnknown,
  tooManyNumbers,
} from './refusals.ts'

const listMax = 1_000
/** What is certified, and taken back, while the one who decides waits. */
const poolNumbersMax = 20_000

/** product-semantics 1.8. */
const certifiedProducts = ['AXB', 'AXN', 'AXN_EXTENSION', 'AXG']

/** In the transaction that it is given. All numbers or none. */
export async function addCertifier(
  sql: Sql,
  entry: AddCertifier,
  made: {
    readonly vault: Vault
    readonly now: Date
    readonly link: { readonly hash: string; readonly request: string; readonly expiresAt: Date }
  },
): Promise<CertifierRow> {
  const phoneIndex = made.vault.blindIndex(entry.phone)
  if (await isVirtual(sql, phoneIndex)) throw certifierIsVirtual()
  const numbers = await numbersFor(sql, entry)
  const [row] = await sql.rows<CertifierRow>({
    name: 'certifiers.insert',
    text: `
      insert into certifier as c
             (account_id, phone_sealed, phone_index, remark, pool_key, numbers, link_hash,
              link_request, link_expires_at, created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      returning ${certifierColumns}`,
    values: [
      entry.accountId,
      made.vault.seal(entry.phone),
      phoneIndex,
      entry.remark,
      entry.numbers.of === 'pool' ? entry.numbers.poolKey : undefined,
      numbers.length,
      made.link.hash,
      made.link.request,
      made.link.expiresAt,
      made.now,
    ],
  })
  if (row === undefined) throw new Error('insert returned nothing')
  await sql.rows({
    name: 'certifiers.insert-numbers',
    text: 'insert into certifier_number (certifier_id, x) select $1, unnest($2::text[])',
    values: [row.id, numbers],
  })
  return row
}

async function isVirtual(sql: Sql, phoneIndex: string): Promise<boolean> {
  const rows = await sql.rows({
    name: 'certifiers.is-virtual',
    text: 'select 1 from number where x_index = $1',
    values: [phoneIndex],
  })
  return rows.length > 0
}

function numbersFor(sql: Sql, { accountId, numbers }: AddCertifier): Promise<readonly string[]> {
  return numbers.of === 'pool'
    ? ofPool(sql, accountId, numbers.poolKey)
    : ofList(sql, accountId, numbers.numbers)
}

async function ofPool(sql: Sql, accountId: string, poolKey: string): Promise<readonly string[]> {
  const [pool] = await sql.rows<{ product: string }>({
    name: 'certifiers.pool',
    text: 'select product from pool where key = $1 and account_id = $2',
    values: [poolKey, accountId],
  })
  if (pool === undefined) throw poolUnknown()
  if (!certifiedProducts.includes(pool.product)) throw needsNone(pool.product)
  const rows = await sql.rows<{ x: string }>({
    name: 'certifiers.numbers-of-pool',
    text: `
      select x from number where pool_key = $1 and not certified
       limit ${poolNumbersMax + 1} for key share`,
    values: [poolKey],
  })
  if (rows.length === 0) throw nothingToCertify()
  if (rows.length > poolNumbersMax) throw tooManyNumbers(poolNumbersMax)
  return rows.map(({ x }) => x)
}

async function ofList(
  sql: Sql,
  accountId: string,
  list: readonly string[],
): Promise<readonly string[]> {
  const rows = await sql.rows<{ x: string; product: string }>({
    name: 'certifiers.numbers-of-list',
    text: `
      select n.x, p.product from number n join pool p on p.key = n.pool_key
       where n.x = any($1::text[]) and n.account_id = $2 for key share of n`,
    values: [list, accountId],
  })
  const products = new Map(rows.map(({ x, product }) => [x, product]))
  const missing = list.flatMap((x, at) => (products.has(x) ? [] : [at + 1]))
  if (missing.length > 0) throw numbersUnknown(missing)
  const other = rows.find(({ product }) => !certifiedProducts.includes(product))
  if (other !== undefined) throw needsNone(other.product)
  return list
}

/** What no database is needed for. */
export function checkEntry(entry: AddCertifier): void {
  const { remark } = entry
  if (
    remark !== undefined &&
    ([...remark].length > 50 || /\p{Cc}/u.test(remark) || remark === '')
  ) {
    throw illegal('The remark has 1 to 50 characters.')
  }
  if (entry.numbers.of === 'list') checkList(entry.numbers)
}

function checkList({ numbers }: Extract<NumbersToCertify, { of: 'list' }>): void {
  if (numbers.length < 1 || numbers.length > listMax) {
    throw illegal(`A list holds 1 to ${listMax} X numbers.`)
  }
  if (new Set(numbers).size !== numbers.length) throw illegal('An X number is in the list twice.')
}
