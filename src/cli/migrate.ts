import type { Command } from 'commander'
import { type CliDeps, CliError } from './deps.ts'

const help = `
Safe to run again and by several processes at once. Stop no engine for it.

Example:
  DATABASE_URL=postgres://axbridge@db/axbridge axbridge migrate`

export function addMigrateCommand(program: Command, deps: CliDeps): void {
  program
    .command('migrate')
    .description('Bring the database schema up to date.')
    .option('--database-url <url>', 'default: DATABASE_URL')
    .addHelpText('after', help)
    .action(async (options: { databaseUrl?: string }) => {
      const url = options.databaseUrl ?? deps.env.DATABASE_URL
      if (url === undefined) {
        throw new CliError('no database: set DATABASE_URL or give --database-url')
      }
      const done = await deps.migrate(url).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message || cause.name : String(cause)
        throw new CliError(`the migration failed: ${why}`, { cause })
      })
      if (done.length === 0) deps.out('The schema is up to date.\n')
      for (const name of done) deps.out(`${name} done\n`)
    })
}
