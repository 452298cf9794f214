import { randomFillSync } from 'node:crypto'
import { CsvError, parse } from 'csv-parse'
import type { VirtualNumber } from '../domain/ids.ts'
import type { Sql } from '../platform/sql.ts'
import type { Cities } from './cities.ts'
import { illegal } from './refusals.ts'
import type { ImportResult, LineFault, StockLine } from './stock.ts'
import { lineReader, type ReadLine } from './stock-lines.ts'

/** Written at once. Every batch stands for itself: a file that broke off half way is imported again. */
const batchLines = 5_000
/** Named in the answer; the rest is only counted. */
const faultsMax = 200
/** No honest line is longer: beyond it a quote was not closed. */
const lineBytesMax = 4_096

export type ImportDeps = {
  readonly sql: Sql
  readonly cities: Pick<Cities, 'knownCity' | 'provinceOf'>
  readonly virtual: (text: string) => VirtualNumber | undefined
  readonly indexOf: (x: VirtualNumber) => string
}

/**
 * Line by line: what is good goes in, what is not is named. A line that is in stock already with
 * the same facts changes nothing, so the same file can be sent again after a crash or a correction.
 * `firstLine`: number of the first line after the header, for files that are sent in parts.
 */
export async function importStock(
  deps: ImportDeps,
  csv: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  firstLine = 2,
): Promise<ImportResult> {
  const parser = parse({
    bom: true,
    relax_column_count: true,
    // A stray one makes its own line faulty and no other.
    relax_quotes: true,
    skip_empty_lines: true,
    info: true,
    max_record_size: lineBytesMax,
  })
  const feeding = feed(parser, csv)
  feeding.catch(() => undefined)
  const tally = createTally()
  let read: ReadLine | undefined
  let batch: StockLine[] = []
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (read === undefined) {
        read = readerOf(record, deps)
        continue
      }
      const line = read(info.lines - 2 + firstLine, record)
      tally.lines += 1
      if ('detail' in line) tally.fault(line)
      else batch.push(line)
      if (batch.length >= batchLines) {
        await writeBatch(deps, batch, tally)
        batch = []
      }
    }
    await feeding
  } catch (err) {
    throw err instanceof CsvError ? unreadable(err, firstLine) : err
  }
  if (read === undefined) throw illegal('The file is empty. Its first line names the columns.')
  await writeBatch(deps, batch, tally)
  return tally.result()
}

type Parsed = { readonly record: string[]; readonly info: { readonly lines: number } }
type Tally = ReturnType<typeof createTally>

async function feed(
  parser: ReturnType<typeof parse>,
  csv: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): Promise<void> {
  try {
    for await (const part of csv) {
      if (parser.destroyed) return
      if (!parser.write(part)) await roomIn(parser)
    }
    parser.end()
  } catch (err) {
    parser.destroy(err as Error)
    throw err
  }
}

function roomIn(parser: ReturnType<typeof parse>): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      parser.off('drain', go)
      parser.off('close', go)
      resolve()
    }
    parser.on('drain', go)
    parser.on('close', go)
  })
}

function readerOf(header: readonly string[], deps: ImportDeps): ReadLine {
  const read = lineReader(header, deps)
  if (typeof read === 'string') throw illegal(read)
  return read
}

function unreadable(err: CsvError, firstLine: number) {
  const line = 'lines' in err ? Number(err['lines']) - 2 + firstLine : firstLine
  return illegal(
    `Line ${line} or the one before it is not CSV; most likely a quote is not closed. The good lines before it may be in stock. Correct it and send the file again.`,
  )
}

function createTally() {
  const faults: LineFault[] = []
  const counts = { lines: 0, added: 0, unchanged: 0, faulty: 0 }
  return Object.assign(counts, {
    fault(fault: LineFault) {
      counts.faulty += 1
      if (faults.length < faultsMax) faults.push(fault)
    },
    result(): ImportResult {
      const { lines, added, unchanged, faulty } = counts
      return { lines, added, unchanged, faulty, faults: faults.sort((a, b) => a.line - b.line) }
    },
  })
}

async function writeBatch(
  { sql, indexOf }: ImportDeps,
  batch: readonly StockLine[],
  tally: Tally,
): Promise<void> {
  const lines = withoutRepeats(batch, tally)
  if (lines.length === 0) return
  const shuffles = randomFillSync(new Int32Array(lines.length))
  const rows = await sql.rows<LeftRow | AddedRow>({
    name: 'stock.import',
    text: importText,
    values: [
      lines.map(({ line }) => line),
      lines.map(({ x }) => x),
      lines.map(({ x }) => indexOf(x)),
      lines.map((each) => each.class),
      lines.map(({ city }) => city),
      lines.map(({ province }) => province ?? null),
      lines.map(({ carrier }) => carrier ?? null),
      [...shuffles],
    ],
  })
  const added = rows.find((row) => row.line === 0)?.added ?? 0
  const left = rows.filter((row): row is LeftRow => row.line > 0)
  tally.added += added
  // Those that another import has just added are neither here nor there.
  tally.unchanged += lines.length - added - left.length
  for (const row of left) {
    const detail = faultIn(row)
    if (detail === undefined) tally.unchanged += 1
    else tally.fault({ line: row.line, detail })
  }
}

/**
 * What could not be added, with what it met, and how many were, as line 0. The planner takes the
 * thousands of lines for ten, and keeps the plan of an empty stock while it grows: so every join is
 * one probe per line, whatever it thinks (`offset 0`). Lines are written in the order of X, so that
 * two imports of one file do not wait for each other crosswise.
 */
const importText = `
  with given as (
    select * from unnest($1::int[], $2::text[], $3::text[], $4::smallint[], $5::text[],
                         $6::text[], $7::smallint[], $8::int[])
      as each (line, x, x_index, class, city, province, carrier, shuffle)
  ), met as (
    select g.*, s.class as old_class, s.city as old_city, s.carrier as old_carrier, s.state,
           n.x is not null as owned,
           exists (select 1 from binding_leg l
                    where l.party = g.x_index and l.expires_at > now()) as party
      from given g
      left join lateral (select * from stock where stock.x = g.x offset 0) s on true
      left join lateral (select x from number where number.x = g.x offset 0) n on true
  ), added as (
    insert into stock (x, x_index, class, city, province, carrier, shuffle)
    select x, x_index, class, city, province, carrier, shuffle from met
     where not owned and not party and (state is null or state = 'withdrawn')
     order by x
        on conflict (x) do update
       set class = excluded.class, city = excluded.city, province = excluded.province,
           carrier = excluded.carrier, shuffle = excluded.shuffle, state = 'free',
           changed_at = now()
     where stock.state = 'withdrawn'
    returning x
  )
  select line, null::int as added, old_class, old_city, state, owned, party,
         (old_class, old_city) = (class, city)
           and old_carrier is not distinct from carrier as same
    from met where owned or party or state <> 'withdrawn'
  union all
  select 0, count(*)::int, null, null, null, null, null, null from added`

type AddedRow = { readonly line: 0; readonly added: number }

type LeftRow = {
  readonly line: number
  readonly added: null
  readonly old_class: number | null
  readonly old_city: string | null
  readonly state: string | null
  readonly owned: boolean
  readonly party: boolean
  readonly same: boolean | null
}

/** Undefined: it is there already, just so. */
function faultIn(row: LeftRow): string | undefined {
  if (row.state === null) {
    return row.owned
      ? 'number: is in a pool already without having been in stock; it cannot be sold'
      : 'number: takes part in a live binding as A or B; it cannot be an X now'
  }
  if (row.same === true) return undefined
  return `number: is in stock as class ${row.old_class}, ${row.old_city}, with other facts; remove it first, or correct the line`
}

/** Within a batch; a repeat further down the file meets what has been written. */
function withoutRepeats(batch: readonly StockLine[], tally: Tally): StockLine[] {
  const lines = new Map<string, StockLine>()
  for (const each of batch) {
    const first = lines.get(each.x)
    if (first === undefined) {
      lines.set(each.x, each)
    } else if (
      first.class === each.class &&
      first.city === each.city &&
      first.carrier === each.carrier
    ) {
      tally.unchanged += 1
    } else {
      const detail = `number: is on line ${first.line} too, with other facts; keep one of them`
      tally.fault({ line: each.line, detail })
    }
  }
  return [...lines.values()]
}
