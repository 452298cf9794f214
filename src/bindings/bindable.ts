import type { Product } from '../domain/call.ts'

/** Products whose numbers can be bound: all but X mode. */
export type BindableProduct = Exclude<Product, 'X_MODE'>

/** What tells apart the bindings of one X: the callers' own numbers, extensions, or nothing as there is only one. */
export type Sharing = 'parties' | 'extensions' | 'none'

const sharings: Readonly<Record<BindableProduct, Sharing>> = {
  AXB: 'parties',
  AXN: 'none',
  AXN_EXTENSION: 'extensions',
  '95AXN': 'none',
  AXG: 'none',
}

export function sharingOf(product: BindableProduct): Sharing {
  return sharings[product]
}
