import type { RouteChange, RouteInvalidation } from '../domain/route-change.ts'

/** The hot copy of what callers may see. May lose anything at any time; every method rejects when it is away. */
export type RouteRecords = {
  /** Guarded by version: older never covers newer. */
  write(change: RouteChange): Promise<void>
  /** Readers ask Postgres again. */
  forget(rows: readonly RouteInvalidation[]): Promise<void>
  runId(): Promise<string>
  replayed(): Promise<string | undefined>
  setReplayed(runId: string): Promise<void>
  mark(): Promise<Date | undefined>
  setMark(at: Date): Promise<void>
  wipe(): Promise<void>
}
