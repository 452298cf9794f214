import { DomainError } from '../domain/errors.ts'
import type { AccountId, PoolKey } from '../domain/ids.ts'
import type { PhoneNumber } from '../domain/phone-number.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import { illegal, poolUnknown } from './refusals.ts'

/** The vendor's limits (product-semantics 3.3); how many a group has at most is ours, and the schema's. */
const groupsMax = 2_000
const membersMax = 10_000
const perOperationMax = 200
export const overwriteMax = 200

export function checkGroupTexts(texts: {
  readonly name?: string | undefined
  readonly remark?: string | undefined
}): void {
  if (!fits(texts.name, 16)) throw illegal('The name of a group has 1 to 16 characters.')
  if (!fits(texts.remark, 50)) throw illegal('The remark on a group has 1 to 50 characters.')
}

function fits(text: string | undefined, max: number): boolean {
  if (text === undefined) return true
  const length = [...text].length
  return length >= 1 && length <= max && !text.includes('\0')
}

export function checkNumbers(numbers: readonly PhoneNumber[]): void {
  if (numbers.length <= perOperationMax) return
  throw illegal(`At most ${perOperationMax} numbers can be given at a time. Send the rest after.`)
}

/** G groups are of AXG pools only. */
export async function needAxgPool(
  sql: Sql,
  { accountId, poolKey }: { readonly accountId: AccountId; readonly poolKey: PoolKey },
): Promise<void> {
  const [pool] = await sql.rows<{ product: string }>({
    name: 'groups.pool',
    text: 'select product from pool where key = $1 and account_id = $2',
    values: [poolKey, accountId],
  })
  if (pool === undefined) throw poolUnknown()
  if (pool.product === 'AXG') return
  throw new DomainError(
    'product-mismatch',
    409,
    `This pool holds ${pool.product} numbers; only AXG pools have groups.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )
}

/** The refusal that a broken limit stands for, or the error itself. */
export function groupsOr(err: unknown): unknown {
  switch (violatedConstraint(err)) {
    case 'pool_groups_max':
      return new DomainError(
        'too-many-groups',
        409,
        `This pool has ${groupsMax} groups, which is all that fit. Remove one first.`,
        { vendorCode: 'isv.FORBIDDEN_ACTION' },
      )
    case 'number_group_members_max':
      return new DomainError(
        'group-full',
        409,
        `A group has at most ${membersMax} members. Nobody was added.`,
        { vendorCode: 'isv.FORBIDDEN_ACTION' },
      )
    default:
      return err
  }
}

export const groupUnknown = () =>
  new DomainError('group-unknown', 404, 'This pool has no group with this id.', {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export const groupInUse = () =>
  new DomainError(
    'group-in-use',
    409,
    'A live binding uses this group. Unbind it or give it another group, then remove this one.',
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )

export const groupTooLargeToOverwrite = () =>
  new DomainError(
    'group-too-large',
    409,
    `A group with more than ${overwriteMax} members is not overwritten. Add and delete numbers instead.`,
    { vendorCode: 'isv.FORBIDDEN_ACTION' },
  )
