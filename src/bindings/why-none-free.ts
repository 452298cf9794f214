import { DomainError } from '../domain/errors.ts'
import type { Sql } from '../platform/sql.ts'
import type { BindableProduct } from './bindable.ts'
import { parties } from './choose-number.ts'
import type { WhereFrom } from './where-from.ts'

/** What was asked for, numbers as blind indexes. */
export type Asked = {
  readonly product: BindableProduct
  readonly accountId: string
  readonly poolKey: string
  readonly x: string | undefined
  readonly aIndex: string
  readonly bIndex: string | undefined
  readonly groupId: string | undefined
  readonly where: WhereFrom
  readonly now: Date
}

type Facts = {
  readonly strict: boolean
  readonly any: boolean
  readonly any_there: boolean
  readonly normal: boolean
  readonly free: boolean
  /** A free one on which this one has no live binding. */
  readonly without_a: boolean
  readonly without_b: boolean
  readonly without_both: boolean
  /** A free one that neither is bound on or was too recently. */
  readonly usable: boolean
}

const none = (code: string, detail: string) =>
  new DomainError(code, 409, detail, { vendorCode: 'isv.NO_AVAILABLE_NUMBER' })

export const noNumberFree = () =>
  none(
    'no-available-number',
    'No X of this pool could be had: others were taking them at the same time. Try again, or add numbers to the pool.',
  )

/** Why allocation found nothing. Each fact is the end of a search, so this may take longer than a bind. */
export async function whyNoneFree(sql: Sql, asked: Asked): Promise<DomainError> {
  const [facts] = await sql.rows<Facts>({
    name: `bindings.why-none-free-${asked.product}`,
    text: factsText(parties(asked.product).length > 1),
    values: [
      asked.accountId,
      asked.poolKey,
      asked.product === '95AXN' ? null : (asked.where.city ?? ''),
      asked.aIndex,
      asked.bIndex,
      asked.now,
    ],
  })
  if (facts === undefined) throw new Error('a select of facts gave no row')
  return whyNoneThere(facts, asked) ?? whyNotForThese(facts, asked)
}

/** In a strict pool only the numbers of the city count. */
function factsText(bHoldsToo: boolean): string {
  const there = `n.pool_key = $2 and n.account_id = $1 and (n.city = $3::text or not strict.so)`
  const without = (party: string) =>
    `exists (select 1 from number n where ${there} and n.free
              and not exists (select 1 from binding_leg l
                               where l.x = n.x and l.party in (${party}) and l.expires_at > $6::timestamptz))`
  const both = bHoldsToo ? '$4, $5' : '$4'
  return `
    select strict.so as strict,
           exists (select 1 from number n where n.pool_key = $2) as any,
           exists (select 1 from number n where ${there}) as any_there,
           exists (select 1 from number n where ${there} and n.state = 'normal') as normal,
           exists (select 1 from number n where ${there} and n.free) as free,
           ${without('$4')} as without_a,
           ${bHoldsToo ? without('$5') : '$5::text is null or true'} as without_b,
           ${without(both)} as without_both,
           exists (select 1 from number n where ${there} and n.free
                      and not exists (select 1 from binding_leg l
                                       where l.x = n.x and l.party in (${both})
                                         and l.expires_at > $6 - make_interval(days => strict.cooling_days))
                      and (strict.cooling_days = 0 or not exists (
                            select 1 from cooling c
                             where c.x = n.x and c.party in (${both}) and c.until > $6))) as usable
      from (select assignment_mode = 'strict' and $3::text is not null as so, cooling_days
              from pool where key = $2) as strict`
}

function whyNoneThere(facts: Facts, { where }: Asked): DomainError | undefined {
  if (!facts.any) {
    return none('pool-empty', 'This pool holds no numbers yet. Buy some or move some into it.')
  }
  if (facts.strict && where.city === undefined) {
    return none(
      'city-needed',
      'This pool gives only numbers of the same city, and which city A is from is not known. Name the expected city.',
    )
  }
  if (!facts.any_there) {
    return none(
      'no-number-in-city',
      'This pool gives only numbers of the same city, and holds none of this one. Name another city, buy numbers there, or change how the pool assigns.',
    )
  }
  if (!facts.normal) {
    return none(
      'all-numbers-locked',
      'Every X that could be given is locked, frozen or faulty. Unlock some, or add numbers to the pool.',
    )
  }
  if (facts.free) return undefined
  return none(
    'all-numbers-full',
    'Every X that could be given already carries as many bindings as it can. Unbind some, or add numbers to the pool.',
  )
}

/** There is room, only not for these two: the pool is not what runs dry. */
function whyNotForThese(facts: Facts, { product }: Asked): DomainError {
  // It has come free since the bind looked.
  if (facts.usable) return noNumberFree()
  if (facts.without_both) {
    return none(
      'all-numbers-cooling',
      'On every X that has room, A or B is bound or was too recently: the pool has a cooling period. Wait, or add numbers to the pool.',
    )
  }
  const who = whoIsEverywhere(facts)
  const what = `${who} already takes part in a live binding`
  return none(
    'party-on-every-number',
    `The pool has room, but on every X of it that has, ${what}${product === 'AXN_EXTENSION' ? ' of an extension' : ''}. Unbind some of theirs, or add numbers to the pool.`,
  )
}

function whoIsEverywhere(facts: Facts): string {
  if (!facts.without_a && !facts.without_b) return 'each of A and B'
  if (!facts.without_a) return 'A'
  return facts.without_b ? 'one of A and B' : 'B'
}
