import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import {
  type ApiClient,
  type ApiOptions,
  addApiOptions,
  createApiClient,
  type Page,
} from './api-client.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Group = {
  id: string
  name: string
  remark?: string
  members: number
  createdAt: string
}

type Edited = Group & { added: number; removed: number }
type Member = { number: string; addedAt: string }
type GroupOptions = ApiOptions & { pool: string }
type PageOptions = GroupOptions & { number?: string; limit: number; cursor?: string }

/** What the API takes at once. */
const perRequest = 200

export function addGroupCommand(program: Command, deps: CliDeps): void {
  const group = program
    .command('group')
    .description('G groups of AXG pools: who may call the X of a binding that names one.')
    .addHelpText(
      'after',
      `
Example:
  axbridge group add --pool FC100000000000001 --name "Night shift" --file numbers.txt
  axbridge group put-in 2000000000001 13800000001 13900000002 --pool FC100000000000001`,
    )
  addAdd(group, deps)
  addEdit(group, deps, { verb: 'put-in', description: 'Add numbers to a group.' })
  addEdit(group, deps, { verb: 'take-out', description: 'Remove numbers from a group.' })
  addEdit(group, deps, { verb: 'overwrite', description: 'Make these its only numbers.' })
  addChange(group, deps)
  addRemove(group, deps)
  addList(group, deps)
  addMembers(group, deps)
}

function addPoolOption(command: Command): Command {
  return addApiOptions(command).requiredOption('--pool <key>', 'key of the AXG pool')
}

function addAdd(group: Command, deps: CliDeps): void {
  addPoolOption(group.command('add'))
    .description('Add a group.')
    .argument('[numbers...]', 'real numbers in it')
    .option('--name <text>', 'for people, at most 16 characters; its id unless given')
    .option('--remark <text>', 'for people, at most 50 characters')
    .option('--file <file>', 'more numbers, one per line')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge group add 13800000001 --pool FC100000000000001 --name Night',
    )
    .action(
      async (
        given: string[],
        options: GroupOptions & { name?: string; remark?: string; file?: string },
      ) => {
        const numbers = await numbersFrom(given, options.file)
        const api = await createApiClient(options, deps)
        const { name, remark } = options
        const first = { name, remark, numbers: numbers.slice(0, perRequest) }
        let made = await api.post<Group>(groupsPath(options.pool), first)
        const rest = numbers.slice(perRequest)
        if (rest.length > 0) {
          const path = `${groupPath(options.pool, made.id)}/members`
          made = await inParts(rest, (part) => api.post<Edited>(path, { numbers: part }))
        }
        const text = `Group ${made.id} (${made.name}) is there, with ${made.members} numbers.`
        deps.out(options.json === true ? `${JSON.stringify(made)}\n` : `${text}\n`)
      },
    )
}

type Edit = { readonly verb: 'put-in' | 'take-out' | 'overwrite'; readonly description: string }

function addEdit(group: Command, deps: CliDeps, { verb, description }: Edit): void {
  addPoolOption(group.command(verb))
    .description(`${description} True for the next call of any of them.`)
    .argument('<id>', 'id of the group')
    .argument('[numbers...]', 'real numbers')
    .option('--file <file>', 'more numbers, one per line')
    .addHelpText(
      'after',
      `\nExample:\n  axbridge group ${verb} 2000000000001 13800000001 --pool FC100000000000001`,
    )
    .action(async (id: string, given: string[], options: GroupOptions & { file?: string }) => {
      const numbers = await numbersFrom(given, options.file)
      if (numbers.length === 0) throw new CliError('name the numbers, or give a --file of them')
      const api = await createApiClient(options, deps)
      const path = `${groupPath(options.pool, id)}/members`
      const edited = await edit(api, verb, path, numbers)
      const text = `Group ${edited.id}: ${edited.added} came, ${edited.removed} went, ${edited.members} are in it.`
      deps.out(options.json === true ? `${JSON.stringify(edited)}\n` : `${text}\n`)
    })
}

function edit(
  api: ApiClient,
  verb: Edit['verb'],
  path: string,
  numbers: readonly string[],
): Promise<Edited> {
  if (verb === 'overwrite') return api.put<Edited>(path, { numbers })
  const to = verb === 'put-in' ? path : `${path}/remove`
  return inParts(numbers, (part) => api.post<Edited>(to, { numbers: part }))
}

/** One request after the other, and their sum. */
async function inParts(
  numbers: readonly string[],
  send: (part: readonly string[]) => Promise<Edited>,
): Promise<Edited> {
  let sum = await send(numbers.slice(0, perRequest))
  for (let at = perRequest; at < numbers.length; at += perRequest) {
    const next = await send(numbers.slice(at, at + perRequest))
    sum = { ...next, added: sum.added + next.added, removed: sum.removed + next.removed }
  }
  return sum
}

async function numbersFrom(given: readonly string[], file: string | undefined): Promise<string[]> {
  if (file === undefined) return [...given]
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CliError(`${file} cannot be read`, { cause })
  })
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  return [...given, ...lines.filter((line) => line !== '')]
}

function addChange(group: Command, deps: CliDeps): void {
  addPoolOption(group.command('rename'))
    .description('Change the name of a group, or its remark.')
    .argument('<id>', 'id of the group')
    .option('--name <text>', 'at most 16 characters')
    .option('--remark <text>', 'at most 50 characters; empty: none')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge group rename 2000000000001 --pool FC100000000000001 --name Day',
    )
    .action(async (id: string, options: GroupOptions & { name?: string; remark?: string }) => {
      const { name, remark } = options
      if (name === undefined && remark === undefined) throw new CliError('say --name or --remark')
      const api = await createApiClient(options, deps)
      const change = { name, remark: remark === '' ? null : remark }
      const changed = await api.patch<Group>(groupPath(options.pool, id), change)
      deps.out(
        options.json === true
          ? `${JSON.stringify(changed)}\n`
          : `Group ${changed.id} is called ${changed.name}.\n`,
      )
    })
}

function addRemove(group: Command, deps: CliDeps): void {
  addPoolOption(group.command('remove'))
    .description('Remove a group with its numbers; only while no live binding uses it.')
    .argument('<id>', 'id of the group')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge group remove 2000000000001 --pool FC100000000000001',
    )
    .action(async (id: string, options: GroupOptions) => {
      const api = await createApiClient(options, deps)
      await api.delete(groupPath(options.pool, id))
      deps.out(options.json === true ? `${JSON.stringify({ id })}\n` : `Group ${id} is gone.\n`)
    })
}

function addList(group: Command, deps: CliDeps): void {
  addPoolOption(group.command('list'))
    .description('Groups of a pool, newest first.')
    .option('--search <text>', 'the id, or a part of the name')
    .option('--number <number>', 'only groups that this real number is in')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge group list --pool FC100000000000001')
    .action(async (options: PageOptions & { search?: string }) => {
      const api = await createApiClient(options, deps)
      const { search, number, limit, cursor } = options
      const path = groupsPath(options.pool)
      const page =
        number === undefined
          ? await api.get<Page<Group>>(path, { search, limit: String(limit), cursor })
          : await api.post<Page<Group>>(`${path}/search`, { number, limit, cursor })
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        ...[each.id, each.name, String(each.members), each.createdAt, each.remark ?? ''],
      ])
      deps.out(tableText(['ID', 'NAME', 'NUMBERS', 'CREATED', 'REMARK'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addMembers(group: Command, deps: CliDeps): void {
  addPoolOption(group.command('numbers'))
    .description('Numbers of a group, masked, newest first.')
    .argument('<id>', 'id of the group')
    .option('--number <number>', 'only this real number, if it is in')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge group numbers 2000000000001 --pool FC100000000000001',
    )
    .action(async (id: string, options: PageOptions) => {
      const api = await createApiClient(options, deps)
      const { number, limit, cursor } = options
      const path = `${groupPath(options.pool, id)}/members`
      const page =
        number === undefined
          ? await api.get<Page<Member>>(path, { limit: String(limit), cursor })
          : await api.post<Page<Member>>(`${path}/search`, { number, limit, cursor })
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [each.number, each.addedAt])
      deps.out(tableText(['NUMBER', 'ADDED'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function groupsPath(pool: string): string {
  return `/v1/pools/${encodeURIComponent(pool)}/groups`
}

function groupPath(pool: string, id: string): string {
  return `${groupsPath(pool)}/${encodeURIComponent(id)}`
}
