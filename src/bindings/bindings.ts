import type { AccountId, BindingId, VirtualNumber } from '../domain/ids.ts'
import type { RouteChange } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { createBind } from './bind.ts'
import type { BindCommand, Binding, BindingFilter, BindingPage, BindingRef } from './binding.ts'
import { type BindingRow, bindingColumns, bindingFrom } from './binding-rows.ts'
import { cursorAfter, listQuery, pageLimit } from './list-bindings.ts'
import { createUnbind } from './unbind.ts'
import { bindingUnknown } from './why-refused.ts'

export type Bindings = {
  /** When it resolves, the next call of A or B to X finds the binding. */
  bind(command: BindCommand): Promise<Binding>
  /** When it resolves, the next call does not find it. Running calls go on. */
  unbind(ref: BindingRef): Promise<Binding>
  /** Also bindings that have ended. */
  get(accountId: AccountId, id: BindingId): Promise<Binding>
  list(filter: BindingFilter): Promise<BindingPage>
}

export function createBindings(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  publisher: {
    publish(change: RouteChange): Promise<void>
    settle(x: VirtualNumber): Promise<void>
  }
}): Bindings {
  const { sql, vault, clock, publisher } = deps
  const { publish, settle } = publisher

  async function get(accountId: AccountId, id: BindingId): Promise<Binding> {
    const [row] = await sql.rows<BindingRow>({
      name: 'bindings.get',
      text: `select ${bindingColumns} from binding b where b.id = $1 and b.account_id = $2`,
      values: [id, accountId],
    })
    if (row === undefined) throw bindingUnknown()
    return bindingFrom(row, vault, clock.now())
  }

  return {
    bind: createBind({ sql, vault, clock, publish, settle, get }),
    unbind: createUnbind({ sql, vault, clock, publish, settle }),
    get,
    async list(filter) {
      const now = clock.now()
      const partyIndex = filter.party === undefined ? undefined : vault.blindIndex(filter.party)
      const rows = await sql.rows<BindingRow>(listQuery(filter, { partyIndex, now }))
      const limit = pageLimit(filter)
      const items = rows.slice(0, limit).map((row) => bindingFrom(row, vault, now))
      const last = items.at(-1)
      const more = rows.length > limit && last !== undefined
      return { items, nextCursor: more ? cursorAfter(last.id) : undefined }
    },
  }
}
