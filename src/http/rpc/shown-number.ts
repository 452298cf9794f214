import type { PhoneNumber } from '../../domain/phone-number.ts'
import type { ActionContext } from './action.ts'

/** As the vendor writes numbers, in full, for a key that may see them; masked for all others. */
export function shownNumber(number: PhoneNumber, context: ActionContext): string {
  return context.mayReveal ? context.parser.national(number.reveal()) : number.toString()
}
