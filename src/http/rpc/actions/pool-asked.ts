import type { Product } from '../../../domain/call.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { PoolKey } from '../../../domain/ids.ts'
import type { ActionContext } from '../action.ts'
import { invalid, missing } from '../gateway-error.ts'
import { poolKeyIn } from '../reading.ts'

/** For customers from before there were pools (product-semantics 1.1). */
const productTypes: Readonly<Record<string, Product>> = {
  AXB_170: 'AXB',
  AXN_170: 'AXN',
  AXN_95: '95AXN',
  AXN_EXTENSION_REUSE: 'AXN_EXTENSION',
}

type Asked = { readonly PoolKey?: string; readonly ProductType?: string }

/** By its key; otherwise the account's only pool of the product, or its first. */
export async function poolAsked(asked: Asked, context: ActionContext): Promise<PoolKey> {
  if (asked.PoolKey !== undefined) return poolKeyIn(asked.PoolKey)
  const product = productAsked(asked)
  const { accountId, rooms } = context
  const { items } = await rooms.pools.list({ accountId, product, limit: 1 })
  const [pool] = items
  if (pool !== undefined) return pool.key
  throw new DomainError('pool-unknown', 404, 'There is no pool of this product.', {
    vendorCode: 'isv.POOLKEY_NOT_EXISTS',
  })
}

/** For a binding that is named by its SubsId and X: undefined when only the product was given. */
export function poolNamed(asked: Asked): PoolKey | undefined {
  if (asked.PoolKey !== undefined) return poolKeyIn(asked.PoolKey)
  productAsked(asked)
  return undefined
}

function productAsked({ ProductType }: Asked): Product {
  if (ProductType === undefined) throw missing('PoolKey')
  const product = productTypes[ProductType]
  if (product === undefined) {
    throw invalid('ProductType', `it is one of ${Object.keys(productTypes).join(', ')}.`)
  }
  return product
}
