import { InvalidArgumentError } from 'commander'

/** For options that say how many. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d{1,6}$/.test(text) || count < 1) {
    throw new InvalidArgumentError('A whole number of at least 1.')
  }
  return count
}
