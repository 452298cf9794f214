/** Money: whole thousandths of a yuan (厘). The smallest price in use, 0.025 yuan, is 25 of them. */
export type Li = number & { readonly __unit: 'li' }

const liPerYuan = 1_000

/** Throws for what is not whole or too large to be exact: that is a bug, not an amount. */
export function li(amount: number): Li {
  if (!Number.isSafeInteger(amount)) throw new RangeError('an amount of money is a whole number')
  return amount as Li
}

export function times(price: Li, count: number): Li {
  return li(price * count)
}

/** `15`, `5.00`, `0.025`; undefined for anything else, and for more decimals than there are. */
export function parseYuan(text: string): Li | undefined {
  const match = /^(\d{1,9})(?:\.(\d{1,3}))?$/.exec(text)
  if (match?.[1] === undefined) return undefined
  return li(Number(match[1]) * liPerYuan + Number((match[2] ?? '').padEnd(3, '0')))
}

/** The same with a minus before it, for what is taken off. */
export function parseSignedYuan(text: string): Li | undefined {
  const amount = parseYuan(text.replace(/^-/, ''))
  return amount === undefined || !text.startsWith('-') ? amount : li(0 - amount)
}

/** `15.00`, `0.025`: at least two decimals, and a third where it says something. */
export function yuanText(amount: Li): string {
  const sign = amount < 0 ? '-' : ''
  const whole = Math.floor(Math.abs(amount) / liPerYuan)
  const rest = String(Math.abs(amount) % liPerYuan).padStart(3, '0')
  return `${sign}${whole}.${rest.endsWith('0') ? rest.slice(0, 2) : rest}`
}
