import type { Query, Sql } from '../../src/platform/sql.ts'

type Node = {
  readonly 'Node Type': string
  readonly 'Subplan Name'?: string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'CTE Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly Node[]
}

export type Explained = {
  /** Pages that the whole statement, or the part under a CTE, has touched. */
  pages(cte?: string): number
  /** Rows that scans of the table have looked at. */
  looked(table: string): number
  /** Tables that some scan read from end to end. */
  readonly wholeScans: readonly string[]
  readonly text: string
}

/**
 * What a statement did, with the plan that prepared statements get (the generic one), and undone
 * afterwards.
 */
export async function explain(sql: Sql, query: Query): Promise<Explained> {
  const undo = new Error('undo')
  let root: Node | undefined
  await sql
    .transaction(async (session) => {
      const run = (text: string) =>
        session.rows<{ 'QUERY PLAN': readonly { readonly Plan: Node }[] }>({
          name: '',
          text,
          values: [],
        })
      await run(`prepare explained as ${query.text}`)
      const literals = query.values.map(literal).join(', ')
      const [row] = await run(
        `explain (analyze, buffers, format json) execute explained(${literals})`,
      )
      await run('deallocate explained')
      root = row?.['QUERY PLAN'][0]?.Plan
      throw undo
    })
    .catch((err: unknown) => {
      if (err !== undo) throw err
    })
  if (root === undefined) throw new Error('postgres did not explain')
  return told(root)
}

function told(root: Node): Explained {
  const nodes = below(root)
  return {
    pages(cte) {
      const top = nodes.filter((node) => node['Subplan Name'] === `CTE ${cte}`)
      const counted = cte === undefined ? [root] : top
      return counted.reduce((sum, node) => sum + pagesOf(node), 0)
    },
    looked: (table) =>
      nodes
        .filter((node) => node['Relation Name'] === table && node['Node Type'] !== 'ModifyTable')
        .reduce((sum, node) => sum + rowsOf(node), 0),
    wholeScans: nodes
      .filter((node) => node['Node Type'] === 'Seq Scan' && node['Actual Loops'] > 0)
      .map((node) => node['Relation Name'] ?? ''),
    text: JSON.stringify(root, null, 1),
  }
}

function below(node: Node): readonly Node[] {
  return [node, ...(node.Plans ?? []).flatMap(below)]
}

const pagesOf = (node: Node) => node['Shared Hit Blocks'] + node['Shared Read Blocks']

function rowsOf(node: Node): number {
  const removed = node['Rows Removed by Filter'] ?? 0
  return (node['Actual Rows'] + removed) * node['Actual Loops']
}

function literal(value: unknown): string {
  if (value === undefined || value === null) return 'null'
  if (Array.isArray(value)) return `array[${value.map(literal).join(', ')}]::text[]`
  const text = value instanceof Date ? value.toISOString() : String(value)
  return `'${text.replaceAll("'", "''")}'`
}
