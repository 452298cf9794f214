import type { Sql } from '../platform/sql.ts'
import type { CertificationProvider } from './ports.ts'

/** So few that binders of these numbers hardly wait. */
const batchRows = 200

type UnappliedRow = {
  readonly id: string
  readonly reference: string | null
  readonly certified_at: Date | null
  readonly removed_at: Date | null
}

/**
 * Makes `number.certified` of a certifier's numbers what it is to be, and ends a certifier that was
 * removed. Does nothing when nothing is left to do, so that anybody may finish what another has
 * begun.
 */
export async function applyCertification(
  sql: Sql,
  provider: Pick<CertificationProvider, 'forget'>,
  certifierId: string,
): Promise<void> {
  const [row] = await sql.rows<UnappliedRow>({
    name: 'certifiers.unapplied',
    text: `
      select id, reference, certified_at, removed_at from certifier
       where id = $1 and unapplied`,
    values: [certifierId],
  })
  if (row === undefined) return
  let after = ''
  for (;;) {
    const numbers = await nextNumbers(sql, certifierId, after)
    const last = numbers.at(-1)
    if (last === undefined) break
    await sql.transaction((session) => bringUpToDate(session, numbers))
    after = last
  }
  if (row.removed_at !== null && row.reference !== null) await provider.forget(row.reference)
  await finish(sql, row)
}

async function nextNumbers(sql: Sql, certifierId: string, after: string): Promise<string[]> {
  const rows = await sql.rows<{ x: string }>({
    name: 'certifiers.next-numbers',
    text: `
      select x from certifier_number where certifier_id = $1 and x > $2
       order by x limit ${batchRows}`,
    values: [certifierId, after],
  })
  return rows.map(({ x }) => x)
}

/**
 * Two statements: only what is read after the locks were had is what others who had them have left.
 * Nothing that calls see is changed, so no version and no invalidation.
 */
async function bringUpToDate(sql: Sql, numbers: readonly string[]): Promise<void> {
  await sql.rows({
    name: 'certifiers.lock-numbers',
    text: 'select 1 from number where x = any($1::text[]) order by x for no key update',
    values: [numbers],
  })
  await sql.rows({
    name: 'certifiers.bring-up-to-date',
    text: `
      with each as (
        select x, exists (select 1 from certifier_number cn join certifier c on c.id = cn.certifier_id
                           where cn.x = a.x and c.certified_at is not null) as certified
          from unnest($1::text[]) as a (x)
      )
      update number n set certified = each.certified from each
       where n.x = each.x and n.certified <> each.certified`,
    values: [numbers],
  })
}

/** Unless it has changed again meanwhile: then it is to be done again. */
async function finish(sql: Sql, row: UnappliedRow): Promise<void> {
  const values = [row.id, row.certified_at]
  if (row.removed_at !== null) {
    await sql.rows({
      name: 'certifiers.delete',
      text: 'delete from certifier where id = $1 and certified_at is not distinct from $2',
      values,
    })
    return
  }
  await sql.rows({
    name: 'certifiers.applied',
    text: `
      update certifier set unapplied = false
       where id = $1 and certified_at is not distinct from $2 and removed_at is null`,
    values,
  })
}
