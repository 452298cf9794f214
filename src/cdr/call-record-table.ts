import type { Sql } from '../platform/sql.ts'
import type { CallRecordRow } from './call-record-row.ts'

/** Merged when the call is known already: the telling that went further is believed, the other fills its gaps. */
const mergedColumns = [
  ...['router_id', 'account_id', 'pool_key', 'product', 'binding_id', 'x', 'extension', 'city'],
  ...['caller_sealed', 'caller_index', 'callee_sealed', 'callee_index', 'caller_role'],
  ...['intercepted', 'unconnected_cause', 'control_msg', 'out_id', 'trunk_in', 'trunk_out'],
  ...['call_out_time', 'ring_time', 'start_time', 'release_direction', 'release_cause'],
  ...['release_reason', 'start_event_id', 'end_event_id'],
] as const
const columns = [
  'call_id',
  'call_time',
  'release_time',
  'recording',
  'stage',
  ...mergedColumns,
].join(', ')

const merged = (column: string) => `case when excluded.stage > call_record.stage
    then coalesce(excluded.${column}, call_record.${column})
    else coalesce(call_record.${column}, excluded.${column}) end`

// What is acknowledged to the stream must be safe, also where `synchronous_commit` is off for all.
// Stage 4 is an end that was written for a lost router: the latest that is known (call-record-row.ts).
const upsertText = `
  insert into call_record (${columns})
  select ${columns}
    from (select set_config('synchronous_commit', 'on', true)) as durable,
         json_populate_recordset(null::call_record, $1::json)
  on conflict (call_id, call_time) do update set
    ${mergedColumns.map((column) => `${column} = ${merged(column)}`).join(',\n    ')},
    recording = case when excluded.stage > call_record.stage
      then excluded.recording else call_record.recording end,
    release_time = case when greatest(excluded.stage, call_record.stage) = 4
      then greatest(excluded.release_time, call_record.release_time,
                    excluded.start_time, call_record.start_time)
      else ${merged('release_time')} end,
    stage = greatest(excluded.stage, call_record.stage)`

/** As `upsertCallRecords` takes them. One row per call. */
export const rowsAsJson = (rows: readonly CallRecordRow[]): string => JSON.stringify(rows)

/** The same row any number of times is the same as once. */
export async function upsertCallRecords(sql: Sql, rows: string): Promise<void> {
  await sql.rows({ name: 'cdr.upsert', text: upsertText, values: [rows] })
}

/** Makes the partition for the month of `moment` if there is none. */
export async function ensurePartition(sql: Sql, moment: Date): Promise<void> {
  await sql.rows({
    name: 'cdr.partition',
    text: 'select ensure_call_record_partition($1)',
    values: [moment],
  })
}
