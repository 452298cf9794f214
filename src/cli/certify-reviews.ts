import { type Command, Option } from 'commander'
import { type ApiOptions, addApiOptions, createApiClient, type Page } from './api-client.ts'
import { parseCount } from './count.ts'
import type { CliDeps } from './deps.ts'
import { tableText } from './table.ts'

type Review = {
  id: string
  accountName: string
  numbers: number
  state: string
  createdAt: string
  reason?: string
}

/** For the operator: what waits for a human. */
export function addReviewCommands(certify: Command, deps: CliDeps): void {
  addList(certify, deps)
  addGet(certify, deps)
  addApprove(certify, deps)
  addRefuse(certify, deps)
}

function addList(certify: Command, deps: CliDeps): void {
  addApiOptions(certify.command('reviews'))
    .description('Pages that were filled in, the oldest first. For the operator.')
    .addOption(
      new Option('--state <state>', 'only in this state')
        .choices(['pending', 'approved', 'refused'])
        .default('pending'),
    )
    .option('--limit <n>', 'how many', parseCount, 50)
    .option('--cursor <text>', 'go on where the last page ended')
    .addHelpText('after', '\nExample:\n  axbridge certify reviews')
    .action(async (options: ApiOptions & { state: string; limit: number; cursor?: string }) => {
      const api = await createApiClient(options, deps)
      const { state, limit, cursor } = options
      const query = { state, limit: String(limit), cursor }
      const page = await api.get<Page<Review>>('/v1/certification-reviews', query)
      if (options.json === true) {
        deps.out(`${JSON.stringify(page)}\n`)
        return
      }
      const rows = page.items.map((each) => [
        each.id,
        each.accountName,
        String(each.numbers),
        each.state,
        each.createdAt,
        each.reason ?? '',
      ])
      deps.out(tableText(['REVIEW', 'ACCOUNT', 'NUMBERS', 'STATE', 'SENT', 'REASON'], rows))
      if (page.nextCursor !== undefined) deps.out(`More: --cursor ${page.nextCursor}\n`)
    })
}

function addGet(certify: Command, deps: CliDeps): void {
  addApiOptions(certify.command('review'))
    .description(
      'What the person has filled in, as JSON; noted in the audit log. For the operator.',
    )
    .argument('<review>', 'its id')
    .addHelpText('after', '\nExample:\n  axbridge certify review 1000000001')
    .action(async (id: string, options: ApiOptions) => {
      const api = await createApiClient(options, deps)
      const review = await api.get<Review>(pathOf(id))
      deps.out(`${JSON.stringify(review, null, options.json === true ? 0 : 2)}\n`)
    })
}

function addApprove(certify: Command, deps: CliDeps): void {
  addApiOptions(certify.command('approve'))
    .description('Certify the numbers; what the person has filled in is deleted. For the operator.')
    .argument('<review>', 'its id')
    .option('--until <time>', 'until when (RFC 3339); without it, without end')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge certify approve 1000000001 --until 2031-01-31T23:59:59+08:00',
    )
    .action(async (id: string, options: ApiOptions & { until?: string }) => {
      const body = options.until === undefined ? {} : { validUntil: options.until }
      await decide(`${pathOf(id)}/approve`, body, options, deps)
    })
}

function addRefuse(certify: Command, deps: CliDeps): void {
  addApiOptions(certify.command('refuse'))
    .description('Refuse; what the person has filled in is deleted. For the operator.')
    .argument('<review>', 'its id')
    .requiredOption('--reason <text>', 'why: the person reads it')
    .addHelpText(
      'after',
      '\nExample:\n  axbridge certify refuse 1000000001 --reason "The name does not fit."',
    )
    .action(async (id: string, options: ApiOptions & { reason: string }) => {
      await decide(`${pathOf(id)}/refuse`, { reason: options.reason }, options, deps)
    })
}

async function decide(
  path: string,
  body: object,
  options: ApiOptions,
  deps: CliDeps,
): Promise<void> {
  const api = await createApiClient(options, deps)
  const review = await api.post<Review>(path, body)
  deps.out(
    options.json === true
      ? `${JSON.stringify(review)}\n`
      : `Review ${review.id}: ${review.numbers} numbers ${review.state}.\n`,
  )
}

function pathOf(id: string): string {
  return `/v1/certification-reviews/${encodeURIComponent(id)}`
}
