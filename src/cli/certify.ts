import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { toString as qrText } from 'qrcode'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { addReviewCommands } from './certify-reviews.ts'
import { parseCount } from './count.ts'
import { type CliDeps, CliError } from './deps.ts'
import { tableText } from './table.ts'

type Certifier = {
  id: string
  phone: string
  remark?: string
  poolKey?: string
  numbers: number
  check: string
  certified: boolean
  certifiedUntil?: string
}

type WithLink = Certifier & { link: { url: string; expiresAt: string; svg: string; png: string } }

type QrOptions = ApiOptions & { png?: string; svg?: string }
type AddOptions = QrOptions & { phone: string; pool?: string; remark?: string }
type ListOptions = ApiOptions & {
  pool?: string
  x?: string
  check?: string
  limit: number
  cursor?: string
}

export function addCertifyCommand(program: Command, deps: CliDeps): void {
  const certify = program
    .command('certify')
    .description('People who stand for X numbers with name and document.')
    .addHelpText(
      'after',
      `
Example:
  axbridge certify add --phone 13800000001 --pool FC100000000000001 --png code.png`,
    )
  addAdd(certify, deps)
  addLink(certify, deps)
  addList(certify, deps)
  addNumbers(certify, deps)
  addRemove(certify, deps)
  addReviewCommands(certify, deps)
}

function addQrOptions(command: Command): Command {
  return addApiOptions(command)
    .option('--png <path>', 'write the QR code there instead of showing it')
    .option('--svg <path>', 'write the QR code there instead of showing it')
}

function addAdd(certify: Command, deps: CliDeps): void {
  addQrOptions(certify.command('add'))
    .description('Name a person, and get the QR code that the person has to open.')
    .argument('[x...]', 'stands for these numbers, at most 1000')
    .requiredOption('--phone <number>', 'real number of the person')
    .option('--pool <key>', 'or for those of this pool that are not certified')
    .option('--remark <text>', 'for you')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge certify add --phone 13800000001 17000000001 17000000002',
    )
    .action(async (numbers: string[], options: AddOptions) => {
      const { phone, pool: poolKey, remark } = options
      if ((poolKey === undefined) === (numbers.length === 0)) {
        throw new CliError('say for which numbers: either --pool or the numbers themselves')
      }
      const api = await createApiClient(options, deps)
      const chosen = poolKey === undefined ? { numbers } : { poolKey }
      const body = { phone, ...chosen, ...(remark === undefined ? {} : { remark }) }
      await showLink(await api.post<WithLink>('/v1/certifiers', body), options, deps)
    })
}

function addLink(certify: Command, deps: CliDeps): void {
  addQrOptions(certify.command('link'))
    .description('A new QR code for the same numbers; the one before is void.')
    .argument('<certifier>', 'its id')
    .addHelpText('after', '\nExample:\n  axbridge certify link 1000000001 --svg code.svg')
    .action(async (id: string, options: QrOptions) => {
      const api = await createApiClient(options, deps)
      await showLink(await api.post<WithLink>(`${pathOf(id)}/links`), options, deps)
    })
}

/** Whoever has the code can fill in the page: a file is for its owner only. */
async function showLink(certifier: WithLink, options: QrOptions, deps: CliDeps): Promise<void> {
  const { link } = certifier
  const { png, svg } = options
  if (png !== undefined) await writeFile(png, Buffer.from(link.png, 'base64'), { mode: 0o600 })
  if (svg !== undefined) await writeFile(svg, link.svg, { mode: 0o600 })
  if (options.json === true) {
    deps.out(`${JSON.stringify(certifier)}\n`)
    return
  }
  deps.out(
    `Certifier ${certifier.id} (${certifier.phone}) stands for ${certifier.numbers} numbers once the page is filled in and checked.\n`,
  )
  const shown = png === undefined && svg === undefined
  if (shown) deps.out(`${await qrText(link.url, { type: 'utf8', errorCorrectionLevel: 'L' })}\n`)
  deps.out(`${link.url}\nGood until ${link.expiresAt}; it is not shown again.\n`)
}

function addList(certify: Command, deps: CliDeps): void {
  addApiOptions(certify.command('list'))
    .description('Who stands for numbers, newest first.')
    .option('--pool <key>', 'only for this pool')
    .option('--x <number>', 'only for this X')
    .addOption(
      new Option('--check <state>', 'only with this check').choices([
        'waiting',
        'submitted',
        'approved',
        'refused',
      ]),
    )
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge certify list --check submitted')
    .action(async (options: ListOptions) => {
      const api = await createApiClient(options, deps)
      const { pool: poolKey, x, check, limit, cursor } = options
      const query = { poolKey, x, check, limit: String(limit), cursor }
      const page = await api.get<Page<Certifier>>('/v1/certifiers', query)
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        each.id,
        each.phone,
        String(each.numbers),
        each.poolKey ?? '',
        each.check,
        each.certified ? `until ${each.certifiedUntil ?? 'withdrawn'}` : 'no',
        each.remark ?? '',
      ])
      const head = ['CERTIFIER', 'PHONE', 'NUMBERS', 'POOL', 'CHECK', 'CERTIFIED', 'REMARK']
      deps.out(tableText(head, rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

type CertifierNumber = { x: string; poolKey: string; city?: string; certified: boolean }

function addNumbers(certify: Command, deps: CliDeps): void {
  addApiOptions(certify.command('numbers'))
    .description('X numbers that a person stands for.')
    .argument('<certifier>', 'its id')
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge certify numbers 1000000001')
    .action(async (id: string, options: ApiOptions & { limit: number; cursor?: string }) => {
      const api = await createApiClient(options, deps)
      const query = { limit: String(options.limit), cursor: options.cursor }
      const page = await api.get<Page<CertifierNumber>>(`${pathOf(id)}/numbers`, query)
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map(({ x, poolKey, city, certified }) => [
        x,
        poolKey,
        city ?? '',
        certified ? 'yes' : 'no',
      ])
      deps.out(tableText(['X', 'POOL', 'CITY', 'CERTIFIED'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addRemove(certify: Command, deps: CliDeps): void {
  addApiOptions(certify.command('remove'))
    .description('Remove a person and all that is known of them; their numbers lose it.')
    .argument('<certifier>', 'its id')
    .addHelpText('after', '\nExample:\n  axbridge certify remove 1000000001')
    .action(async (id: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      await api.delete(pathOf(id))
      deps.out(options.json === true ? `${JSON.stringify({ id })}\n` : `Certifier ${id} is gone.\n`)
    })
}

function pathOf(id: string): string {
  return `/v1/certifiers/${encodeURIComponent(id)}`
}
