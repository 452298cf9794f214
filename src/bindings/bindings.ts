import type { AccountId, BindingId, VirtualNumber } from '../domain/ids.ts'
import type { RouteChange } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import { pageFrom, pageLimit } from '../platform/pages.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { createBind } from './bind.ts'
import type {
  BindCommand,
  Binding,
  BindingFilter,
  BindingPage,
  BindingRef,
  UnbindCommand,
  UpdateCommand,
} from './binding.ts'
import { type BindingRow, bindingColumns, bindingFrom } from './binding-rows.ts'
import { type BulkOutcome, createBulk } from './bulk.ts'
import { listQuery, placeAfter } from './list-bindings.ts'
import { createPools } from './pool-facts.ts'
import { createQuickLuck } from './quick-luck.ts'
import { createUnbind } from './unbind.ts'
import { createUpdate } from './update.ts'
import type { Cities } from './where-from.ts'
import { bindingUnknown } from './why-refused.ts'

export type Bindings = {
  /** When it resolves, the next call to X finds the binding. */
  bind(command: BindCommand): Promise<Binding>
  /** When it resolves, the next call sees the binding as changed. Running calls go on as they began. */
  update(command: UpdateCommand): Promise<Binding>
  /** When it resolves, the next call does not find it. Running calls go on. */
  unbind(command: UnbindCommand): Promise<Binding>
  /**
   * At most 500, each as if it came alone; one outcome per command, in their order. With a key that
   * was used before for the same commands, those that were done then are not done again.
   */
  bindMany(
    accountId: AccountId,
    commands: readonly BindCommand[],
    idempotencyKey?: string,
  ): Promise<readonly BulkOutcome[]>
  unbindMany(
    accountId: AccountId,
    refs: readonly BindingRef[],
    idempotencyKey?: string,
  ): Promise<readonly BulkOutcome[]>
  /** Also bindings that have ended. */
  get(accountId: AccountId, id: BindingId): Promise<Binding>
  list(filter: BindingFilter): Promise<BindingPage>
  /** Ids of the live bindings on this X, oldest first. */
  liveOn(accountId: AccountId, x: VirtualNumber): Promise<readonly BindingId[]>
}

export function createBindings(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  cities: Cities
  publisher: {
    publish(change: RouteChange): Promise<void>
    settle(x: VirtualNumber): Promise<void>
  }
  /** From 0 to 1; decides which X is allocated. */
  random?: () => number
}): Bindings {
  const { sql, vault, clock, cities, publisher } = deps
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

  const common = { sql, vault, clock, publish, settle, get }
  const random = deps.random ?? Math.random
  const taking = { pools: createPools(sql), luck: createQuickLuck(), random }
  const binding = { ...common, ...taking, cities }
  const bind = createBind(binding)
  const bulk = createBulk(binding)

  return {
    bind: (command) => bind(command),
    unbind: createUnbind(common),
    update: createUpdate(common),
    bindMany: bulk.bindMany,
    unbindMany: bulk.unbindMany,
    get,

    async list(filter) {
      const now = clock.now()
      const indexOf = (number: BindingFilter['party']) =>
        number === undefined ? undefined : vault.blindIndex(number)
      const parties = { party: indexOf(filter.party), a: indexOf(filter.a) }
      const rows = await sql.rows<BindingRow>(listQuery(filter, parties, now))
      return pageFrom(rows, pageLimit(filter.limit), {
        item: (row) => bindingFrom(row, vault, now),
        place: (row) => placeAfter(filter.sort, row),
      })
    },

    async liveOn(accountId, x) {
      const rows = await sql.rows<{ id: string }>({
        name: 'bindings.live-on',
        text: `
          select distinct l.binding_id as id
            from binding_leg l join number n on n.x = l.x
           where l.x = $1 and n.account_id = $2 and l.expires_at > $3
           order by 1`,
        values: [x, accountId, clock.now()],
      })
      return rows.map(({ id }) => id as BindingId)
    },
  }
}
