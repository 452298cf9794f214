/** The numbers of the bench, all different below 30 million of each kind. */
const eightDigits = (at: number) => String(at % 100_000_000).padStart(8, '0')

export const aAt = (at: number) => `+86138${eightDigits(at * 3)}`
export const bAt = (at: number) => `+86159${eightDigits(at * 3 + 1)}`
export const xAt = (at: number) => `+86170${eightDigits(at)}`
