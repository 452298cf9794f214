#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { useEvents } from './app/event-tools.ts'
import { migrateDatabase } from './app/migrate-database.ts'
import { serve } from './app/serve.ts'
import { tailCalls } from './app/tail-calls.ts'
import { runCli } from './cli/program.ts'
import { startEmbedded } from './embedded/start-embedded.ts'

/** The only place that reads the environment, hears signals and ends the process. */
async function main(): Promise<number> {
  const stopping = new AbortController()
  const stop = () => {
    // The second time somebody means it.
    if (stopping.signal.aborted) process.exit(130)
    stopping.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const packageFile = new URL('../package.json', import.meta.url)
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string }
  const deps = {
    env: process.env,
    version,
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
    stopped: stopping.signal,
    fetch,
    serve: (settings: Parameters<typeof serve>[0], roles: Parameters<typeof serve>[1]) =>
      serve(settings, roles, stopping.signal),
    migrate: migrateDatabase,
    embedded: startEmbedded,
    tailCalls,
    useEvents,
  }
  return await runCli(deps, process.argv.slice(2))
}

main().then(
  (code) => process.exit(code),
  (err: unknown) => {
    process.stderr.write(`error: ${err instanceof Error ? err.message : String(err)}\n`)
    process.exit(1)
  },
)
