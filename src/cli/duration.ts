import { InvalidArgumentError } from 'commander'

const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `90s`, `30m`, `2h`, `7d` in seconds. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const factor = secondsPer[unit ?? '']
  if (amount === undefined || factor === undefined) {
    throw new InvalidArgumentError('A duration is such as 90s, 30m, 2h or 7d.')
  }
  return Number(amount) * factor
}
