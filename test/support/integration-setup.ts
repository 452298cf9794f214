import type { TestProject } from 'vitest/node'
import { createTemplate, startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
  }
}

/** One Postgres for all integration tests: started once, stopped at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startPostgres()
  try {
    await createTemplate(cluster.url)
  } catch (err) {
    await cluster.stop()
    throw err
  }
  project.provide('postgresUrl', cluster.url)
  return () => cluster.stop()
}
