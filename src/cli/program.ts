import { Command, CommanderError } from 'commander'
import { DomainError } from '../domain/errors.ts'
import { addAccountCommand } from './account.ts'
import { addAlarmsCommand } from './alarms.ts'
import { addBindCommand } from './bind.ts'
import { addBlacklistCommand } from './blacklist.ts'
import { addCdrCommand } from './cdr.ts'
import { addCertifyCommand } from './certify.ts'
import { type CliDeps, type CliEnv, CliError } from './deps.ts'
import { addDoctorCommand } from './doctor.ts'
import { addEmbeddedCommand } from './embedded.ts'
import { addGroupCommand } from './group.ts'
import { addInventoryCommand } from './inventory.ts'
import { addKeyCommand } from './key.ts'
import { maskedText } from './masked-text.ts'
import { addMigrateCommand } from './migrate.ts'
import { addMoveCommand } from './move.ts'
import { addNumbersCommand } from './numbers.ts'
import { addPoolCommand } from './pool.ts'
import { addReceiptsCommand } from './receipts.ts'
import { addServeCommand } from './serve.ts'
import { addSimulateCommand } from './simulate.ts'
import { addTokenCommand } from './token.ts'

/** Runs one command line (without node and script) and resolves to the exit code. Never throws, never exits. */
export async function runCli(deps: CliDeps, args: readonly string[]): Promise<number> {
  try {
    await createProgram({ ...deps, env: given(deps.env) }).parseAsync([...args], { from: 'user' })
    return 0
  } catch (err) {
    // Commander has printed its own errors, and the help that was asked for.
    if (err instanceof CommanderError) return err.exitCode
    deps.err(`error: ${maskedText(lineOf(err))}\n`)
    return 1
  }
}

/** As for the engine's settings: what is empty is not set. */
function given(env: CliEnv): CliEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
}

function createProgram(deps: CliDeps): Command {
  const program = new Command('axbridge')
    .description('Phone number privacy engine: calls through virtual numbers.')
    .version(deps.version)
    .exitOverride()
    .showHelpAfterError('(add --help for the options and an example)')
    .configureOutput({
      writeOut: (text) => deps.out(text),
      writeErr: (text) => deps.err(maskedText(text)),
    })
  addServeCommand(program, deps)
  addMigrateCommand(program, deps)
  addEmbeddedCommand(program, deps)
  addBindCommand(program, deps)
  addInventoryCommand(program, deps)
  addNumbersCommand(program, deps)
  addMoveCommand(program, deps)
  addCertifyCommand(program, deps)
  addPoolCommand(program, deps)
  addGroupCommand(program, deps)
  addBlacklistCommand(program, deps)
  addReceiptsCommand(program, deps)
  addAlarmsCommand(program, deps)
  addAccountCommand(program, deps)
  addTokenCommand(program, deps)
  addKeyCommand(program, deps)
  addSimulateCommand(program, deps)
  addCdrCommand(program, deps)
  addDoctorCommand(program, deps)
  return program
}

/** A fault that a human can act on speaks for itself; of anything else at least the kind is named. */
function lineOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err)
  const said = err instanceof CliError || err instanceof DomainError
  const text = said ? err.message : `${err.name}: ${err.message}`
  return text
    .trim()
    .replace(/:\s*\n\s*/g, ': ')
    .replace(/\s*\n\s*/g, '; ')
}
