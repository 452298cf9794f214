import { type Command, InvalidArgumentError } from 'commander'
import { loadSettings } from '../platform/settings.ts'
import { type CliDeps, CliError, type Role } from './deps.ts'

const roles: readonly Role[] = ['router', 'api', 'worker']

const help = `
Settings come from the environment; "axbridge doctor" says which are missing or wrong.

Examples:
  axbridge serve                      all roles in one process
  axbridge serve --roles router       calls only
  axbridge serve --roles api,worker   everything but calls`

export function addServeCommand(program: Command, deps: CliDeps): void {
  program
    .command('serve')
    .description('Run the engine until SIGTERM or SIGINT, then drain.')
    .option('--roles <list>', `comma list of ${roles.join(', ')}`, parseRoles, roles)
    .addHelpText('after', help)
    .action(async (options: { roles: readonly Role[] }) => {
      await deps.serve(settingsOf(deps), options.roles)
    })
}

/** As a line for the one who started the program, not as a bug. */
function settingsOf(deps: CliDeps) {
  try {
    return loadSettings({ ...deps.env })
  } catch (cause) {
    throw new CliError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function parseRoles(text: string): readonly Role[] {
  const given = text.split(',').map((each) => each.trim())
  const unknown = given.filter((each) => !roles.some((role) => role === each))
  if (unknown.length > 0) {
    throw new InvalidArgumentError(`Roles are ${roles.join(', ')}.`)
  }
  return roles.filter((role) => given.includes(role))
}
