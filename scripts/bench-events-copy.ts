import pg from 'pg'
import { foldRows, rowOf } from '../src/cdr/call-record-row.ts'
import { createEventSealer, parseStoredEvent } from '../src/cdr/stored-event.ts'
import { aVault } from '../test/support/call-events.ts'
import { eventsOf } from './bench-events-calls.ts'
import type { RecordsTask } from './bench-events-records.ts'
import { runHelper } from './bench-process.ts'

export type CopySetup = { readonly databaseUrl: string }

/** What the client says of a connection that copies in; its types leave it out. */
type CopyConnection = {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** One COPY of the same rows, each once, with all that is known in the end. Done: rows per second. */
runHelper<CopySetup, RecordsTask, number>(async ({ databaseUrl }) => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('select ensure_call_record_partition(now())')
  const seal = createEventSealer(aVault())

  function rowsOf(task: RecordsTask) {
    const rows = eventsOf(task.calls, task).map((event) => {
      const parsed = parseStoredEvent(seal(event))
      if (parsed.kind === 'poison') throw new Error(parsed.reason)
      return rowOf(parsed.event)
    })
    return foldRows(rows)
  }

  return {
    async do(task) {
      const rows = rowsOf(task)
      const columns = Object.keys(rows[0] ?? {})
      const lines = rows.map((row) => {
        const values: readonly unknown[] = Object.values(row)
        return `${values.map((each) => each ?? '\\N').join('\t')}\n`
      })
      const text = Buffer.from(lines.join(''))
      const from = performance.now()
      await copyIn(client, `copy call_record (${columns.join(', ')}) from stdin`, text)
      return rows.length / ((performance.now() - from) / 1000)
    },
    close: () => client.end(),
  }
})

function copyIn(client: pg.Client, statement: string, text: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const copy = {
      submit: (connection: CopyConnection) => connection.query(statement),
      handleCopyInResponse(connection: CopyConnection) {
        connection.sendCopyFromChunk(text)
        connection.endCopyFrom()
      },
      handleError: reject,
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => resolve(),
    }
    client.query(copy as unknown as pg.Submittable)
  })
}
