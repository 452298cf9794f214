import type { BindingId } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'

/** Who called A last over this binding and was put through, from the call records; sealed. */
export async function findLastCaller(sql: Sql, bindingId: BindingId): Promise<string | undefined> {
  const [row] = await sql.rows<{ caller_sealed: string }>({
    name: 'resolve.last-caller',
    text: `
      select caller_sealed from call_record
       where binding_id = $1 and caller_role in ('N', 'G') and not intercepted
         and caller_sealed is not null
       order by call_time desc limit 1`,
    values: [bindingId],
  })
  return row?.caller_sealed
}
