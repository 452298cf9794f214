import type { PhoneNumber } from '../domain/phone-number.ts'

/** As the vendor writes it. For receipts alone: they go to the customer whose numbers these are, and are sealed until then. */
export function fullNumber(national: (e164: string) => string): (number: PhoneNumber) => string {
  return (number) => national(number.reveal())
}
