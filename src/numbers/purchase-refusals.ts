import { DomainError } from '../domain/errors.ts'
import { type Li, yuanText } from '../domain/money.ts'

export const stockUnknown = () =>
  new DomainError('stock-unknown', 404, 'This X is not in stock.', {
    vendorCode: 'isv.NO_NOT_EXIST',
  })

export const stockSold = () =>
  new DomainError(
    'stock-sold',
    409,
    'This X belongs to an account. It comes back to stock when its owner releases it.',
    { vendorCode: 'isv.NO_USED_BY_OTHERS' },
  )

export const numberInStock = () =>
  new DomainError(
    'number-in-stock',
    409,
    'One of these X numbers is in the stock of this installation. Buy it, or have the operator take it out of stock. None was added.',
    { vendorCode: 'isv.NO_USED_BY_OTHERS' },
  )

export const quantityOver = (max: number) =>
  new DomainError(
    'quantity-over-limit',
    422,
    `One order buys 1 to ${max} numbers. Place several orders for more.`,
    { vendorCode: 'isv.BUY_NUM_OVER_LIMIT' },
  )

export const cityUnknown = () =>
  new DomainError(
    'city-unknown',
    422,
    'This city is not in the list of cities: see GET /v1/cities. Hainan has only 海口, and numbers that begin with 95 have 全国通用.',
    { vendorCode: 'isv.ILLEGAL_ARGUMENT' },
  )

export const classUnfit = (product: string) =>
  new DomainError(
    'class-unfit',
    422,
    product === '95AXN'
      ? '95AXN takes numbers of class 3 (they begin with 95) and no others.'
      : `Numbers of class 3 (they begin with 95) are only for 95AXN, not for ${product}. Choose class 1 or 2.`,
    { vendorCode: 'isv.ILLEGAL_ARGUMENT' },
  )

/** `left`: what could be had of this. */
export const outOfStock = (left: number, asked: { city: string; beginning?: string | undefined }) =>
  new DomainError(
    'out-of-stock',
    409,
    left === 0
      ? `Nothing of this class${asked.beginning === undefined ? '' : ' with this beginning'} is in stock for ${asked.city}. Ask your operator for more numbers there.`
      : `Only ${left} of this class are in stock for ${asked.city}. Order no more than that, or ask your operator for more.`,
    { vendorCode: 'isv.NO_AVAILABLE_NUMBER' },
  )

export const balanceLow = (price: Li, balance: Li) =>
  new DomainError(
    'balance-low',
    402,
    `The price is ${yuanText(price)} yuan and the balance of the account ${yuanText(balance)} yuan. Top up the account; package balance cannot pay for numbers.`,
    { vendorCode: 'isv.OUT_OF_SERVICE' },
  )

export const accountSuspended = () =>
  new DomainError(
    'account-suspended',
    403,
    'This account is suspended and buys nothing. Ask your operator to resume it.',
    { vendorCode: 'isv.OUT_OF_SERVICE' },
  )

export const priceChanged = (price: Li) =>
  new DomainError(
    'price-changed',
    409,
    `The price is ${yuanText(price)} yuan now. Ask for a new quote and order with its price.`,
    { vendorCode: 'isv.ILLEGAL_ARGUMENT' },
  )

export const orderUnknown = () =>
  new DomainError('order-unknown', 404, 'There is no order with this id.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export const poolNeeded = () =>
  new DomainError(
    'pool-needed',
    422,
    'An X_MODE pool cannot be made by an order, because it needs the URL that is asked about calls. Create one first and name it.',
    { vendorCode: 'isv.POOLKEY_NOT_EXISTS' },
  )

export const productMismatch = (pool: string, ordered: string) =>
  new DomainError(
    'product-mismatch',
    409,
    `This pool holds ${pool} numbers and the order is for ${ordered}. Name another pool, or none.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const numberRuns = () =>
  new DomainError(
    'number-not-stopped',
    409,
    'This X is neither frozen nor faulty, so there is nothing to resume.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )
