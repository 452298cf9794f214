import type { AccountId, VirtualNumber } from '../domain/ids.ts'
import type { RouteInvalidation } from '../domain/route-change.ts'
import { pageFrom, pageLimit } from '../platform/pages.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { addNumbers } from './add-numbers.ts'
import type { Cities } from './cities.ts'
import { cursorText, type ListedRow, numbersQuery, totalsQuery } from './list-numbers.ts'
import type {
  AddNumbers,
  NumberChoice,
  NumberFilter,
  NumberTotals,
  Page,
  XNumber,
} from './number.ts'
import {
  changeOf,
  type NumberChangeRow,
  type NumberRow,
  numberColumns,
  numberFrom,
} from './number-rows.ts'
import { resume, setLock, setNote, stop } from './number-states.ts'
import { numberRuns } from './purchase-refusals.ts'
import { illegal, numberFrozen, numberUnknown } from './refusals.ts'
import { releaseNumber } from './release-number.ts'
import { virtualIndexOf } from './virtual-index.ts'

export type Numbers = {
  /** All or none. */
  add(numbers: AddNumbers): Promise<readonly XNumber[]>
  get(accountId: AccountId, x: VirtualNumber): Promise<XNumber>
  list(filter: NumberFilter): Promise<Page<XNumber>>
  totals(choice: NumberChoice): Promise<NumberTotals>
  /** Gives it back for good; only when nothing is bound to it. */
  remove(accountId: AccountId, x: VirtualNumber): Promise<void>
  /** A locked X takes no new bindings; those it has go on. */
  lock(accountId: AccountId, x: VirtualNumber): Promise<XNumber>
  unlock(accountId: AccountId, x: VirtualNumber): Promise<XNumber>
  /** `note` undefined: none any more. */
  note(accountId: AccountId, x: VirtualNumber, note: string | undefined): Promise<XNumber>
  /** By the operator, whoever owns it: it carries no call from now on. Its bindings stay. */
  stop(x: VirtualNumber, state: 'frozen' | 'faulty'): Promise<XNumber>
  /** By the operator: normal again, or locked, when its owner had locked it. */
  resume(x: VirtualNumber): Promise<XNumber>
}

/** Callers of the last owner dial it for a while. */
const restDaysDefault = 90

export function createNumbers(deps: {
  sql: Sql
  vault: Pick<Vault, 'blindIndex'>
  cities: Pick<Cities, 'knownCity' | 'provinceOf'>
  publisher: { forget(rows: readonly RouteInvalidation[]): Promise<void> }
  /** How long a number that was given back rests before it can be bought again. */
  restDays?: number
}): Numbers {
  const { sql, vault, cities } = deps
  const { forget } = deps.publisher
  const restDays = deps.restDays ?? restDaysDefault

  async function get(accountId: AccountId, x: VirtualNumber): Promise<XNumber> {
    const [row] = await sql.rows<NumberRow>({
      name: 'numbers.get',
      text: `
        select ${numberColumns} from number n join pool p on p.key = n.pool_key
         where n.x = $1 and n.account_id = $2`,
      values: [x, accountId],
    })
    if (row === undefined) throw numberUnknown()
    return numberFrom(row)
  }

  /** A change is told to the caches before it is answered. */
  async function told(row: NumberChangeRow): Promise<XNumber> {
    await forget([changeOf(row)])
    return numberFrom(row)
  }

  async function lockOrUnlock(accountId: AccountId, x: VirtualNumber, state: 'normal' | 'locked') {
    const row = await setLock(sql, { accountId, x }, state)
    if (row !== undefined) return told(row)
    await get(accountId, x)
    throw numberFrozen()
  }

  /** With the city as it is listed; one that is not is asked for as it is, and finds nothing. */
  function listed<Choice extends NumberChoice>(choice: Choice): Choice {
    const { city } = choice
    return city === undefined ? choice : { ...choice, city: cities.knownCity(city) ?? city }
  }

  return {
    async add(numbers) {
      const indexOf = (x: VirtualNumber) => virtualIndexOf(vault, x)
      const rows = await addNumbers({ sql, cities, indexOf }, numbers)
      await forget(rows.map(changeOf))
      return rows.map((row) => numberFrom(row))
    },
    get,
    async list(filter) {
      const limit = pageLimit(filter.limit)
      const rows = await sql.rows<ListedRow>(numbersQuery(listed(filter), limit))
      return pageFrom(rows, limit, { item: numberFrom, place: (row) => cursorText(row, filter) })
    },
    async totals(choice) {
      const [row] = await sql.rows<NumberTotals & { more_bindings: number }>(
        totalsQuery(listed(choice)),
      )
      if (row === undefined) throw new Error('an aggregate has one row')
      const { more_bindings: moreBindings, ...totals } = row
      return { ...totals, moreBindings }
    },
    async remove(accountId, x) {
      await forget([await releaseNumber(sql, { accountId, x, restDays })])
    },
    lock: (accountId, x) => lockOrUnlock(accountId, x, 'locked'),
    unlock: (accountId, x) => lockOrUnlock(accountId, x, 'normal'),
    async note(accountId, x, note) {
      checkNote(note)
      const row = await setNote(sql, { accountId, x }, note)
      if (row === undefined) throw numberUnknown()
      return numberFrom(row)
    },
    async stop(x, state) {
      const row = await stop(sql, x, state)
      if (row === undefined) throw numberUnknown()
      return told(row)
    },
    async resume(x) {
      const row = await resume(sql, x)
      if (row !== undefined) return told(row)
      throw await whyNotResumed(sql, x)
    },
  }
}

function checkNote(note: string | undefined): void {
  const length = [...(note ?? 'none')].length
  if (length < 1 || length > 128 || note?.includes('\0') === true) {
    throw illegal('A note has 1 to 128 characters.')
  }
}

async function whyNotResumed(sql: Sql, x: VirtualNumber): Promise<Error> {
  const [row] = await sql.rows({
    name: 'numbers.is-there',
    text: 'select 1 from number where x = $1',
    values: [x],
  })
  return row === undefined ? numberUnknown() : numberRuns()
}
