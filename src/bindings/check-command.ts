import type { Product } from '../domain/call.ts'
import { DomainError } from '../domain/errors.ts'
import type { BindableProduct } from './bindable.ts'
import type { BindCommand, BindingChange } from './binding.ts'
import { checkExpiry, checkKey, checkTerms, illegal } from './check-terms.ts'
import { partiesEqual } from './why-refused.ts'

const extensionPattern = /^[0-9]{1,3}$/

/** What can be said about a command without looking anything up. The database holds the same rules as constraints. */
export function checkCommand(
  command: BindCommand,
  product: BindableProduct,
  now: Date,
): DomainError | undefined {
  return (
    checkExpiry(command.expiresAt, now) ??
    checkParties(command, product) ??
    checkExtension(command, product) ??
    checkGroup(command.groupId, product) ??
    checkSurvey(command.survey, product) ??
    checkTerms(command) ??
    checkKey(command.idempotencyKey)
  )
}

/** Likewise for a change; what hangs on the binding itself is told by the database. */
export function checkChange(change: BindingChange, now: Date): DomainError | undefined {
  const { a, b, expiresAt } = change
  if (Object.values(change).every((value) => value === undefined)) {
    return illegal('A change must name at least one field.')
  }
  if (expiresAt !== undefined) {
    const fault = checkExpiry(expiresAt, now)
    if (fault !== undefined) return fault
  }
  if (a !== undefined && b !== undefined && b !== null && a.equals(b)) return partiesEqual()
  return checkTerms(change)
}

function checkParties({ a, b }: BindCommand, product: Product): DomainError | undefined {
  if (b !== undefined) return a.equals(b) ? partiesEqual() : undefined
  return product === 'AXB' ? bNeeded() : undefined
}

function checkExtension(
  { x, extension }: BindCommand,
  product: BindableProduct,
): DomainError | undefined {
  if (extension === undefined) return undefined
  if (product !== 'AXN_EXTENSION') return illegal(`Bindings of ${product} have no extension.`)
  if (!extensionPattern.test(extension)) return illegal('An extension has 1 to 3 digits.')
  if (x !== undefined) return undefined
  return illegal('An extension is taken on an X that you name: give X too, or have both assigned.')
}

function checkGroup(
  groupId: string | undefined,
  product: BindableProduct,
): DomainError | undefined {
  if (product === 'AXG') {
    return groupId === undefined
      ? illegal('An AXG binding needs the group that may call.')
      : undefined
  }
  return groupId === undefined ? undefined : illegal(`Bindings of ${product} have no group.`)
}

function checkSurvey(survey: unknown, product: BindableProduct): DomainError | undefined {
  if (survey === undefined || product === 'AXB') return undefined
  return illegal(`Only calls of AXB bindings end with a survey, not those of ${product}.`)
}

export const bNeeded = () =>
  new DomainError('b-needed', 422, 'An AXB binding needs B: only A and B may call X.', {
    vendorCode: 'isv.ILLEGAL_ARGUMENT',
  })
