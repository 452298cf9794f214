import type { AccountId, VirtualNumber } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import type { GuidedForm, GuidedView, SubmitOutcome } from './certifier.ts'
import { linkHash } from './links.ts'
import type { CertificationProvider, StartedCheck } from './ports.ts'

/** What the page behind the QR code is made of. Whoever holds the token may ask, so it says little. */
export type GuidedCheck = {
  /** Undefined: there is no such link, or not any more. Which of the two is nobody's business. */
  open(token: string): Promise<GuidedView | undefined>
  submit(token: string, form: GuidedForm): Promise<SubmitOutcome>
}

/** Somebody may mistype; who guesses has four digits to guess once they have seen a masked number. */
const triesMax = 5

type LinkRow = {
  readonly id: string
  readonly account_id: string
  readonly account_name: string
  readonly numbers: number
  readonly check_state: string
  readonly refusal: string | null
}

type TryRow = {
  readonly id: string
  readonly account_id: string
  readonly phone_index: string
  readonly link_request: string
  readonly link_tries: number
  readonly numbers: number
}

export function createGuidedCheck(deps: {
  sql: Sql
  vault: Vault
  clock: Clock
  provider: Pick<CertificationProvider, 'start' | 'forget'>
}): GuidedCheck {
  const { sql, vault, clock, provider } = deps

  async function open(token: string): Promise<GuidedView | undefined> {
    const hash = linkHash(token)
    if (hash === undefined) return undefined
    const [row] = await sql.rows<LinkRow>({
      name: 'guided.open',
      text: `
        select c.id, c.account_id, a.name as account_name, c.numbers, c.check_state, c.refusal
          from certifier c join account a on a.id = c.account_id
         where c.link_hash = $1 and c.link_expires_at > $2 and c.removed_at is null
           and a.suspended_at is null
           and (c.check_state <> 'waiting' or c.link_tries < ${triesMax})`,
      values: [hash, clock.now()],
    })
    return row === undefined ? undefined : viewFrom(sql, row)
  }

  async function check(row: TryRow, hash: string, form: GuidedForm): Promise<SubmitOutcome> {
    const started = await provider
      .start({
        request: row.link_request,
        accountId: row.account_id as AccountId,
        numbers: row.numbers,
        ...form,
      })
      .catch(async (err: unknown) => {
        await giveTryBack(sql, row.id, hash)
        throw err
      })
    if (await markSubmitted(sql, { row, hash, started, now: clock.now() })) {
      return { result: 'accepted', continueAt: started.continueAt }
    }
    // Sent twice, and the other was first: the same check. Or the link was renewed or removed meanwhile.
    if (await isSubmitted(sql, started.reference)) {
      return { result: 'accepted', continueAt: started.continueAt }
    }
    await provider.forget(started.reference)
    return { result: 'closed' }
  }

  return {
    open,
    async submit(token, form) {
      const hash = linkHash(token)
      if (hash === undefined) return { result: 'closed' }
      const row = await takeTry(sql, hash, clock.now())
      if (row === undefined) {
        const repeated = (await open(token))?.state === 'submitted'
        return repeated ? { result: 'accepted', continueAt: undefined } : { result: 'closed' }
      }
      if (vault.blindIndex(form.phone) !== row.phone_index) {
        const triesLeft = triesMax - row.link_tries
        return triesLeft > 0 ? { result: 'wrong-phone', triesLeft } : { result: 'closed' }
      }
      return check(row, hash, form)
    },
  }
}

async function viewFrom(sql: Sql, row: LinkRow): Promise<GuidedView> {
  switch (row.check_state) {
    case 'submitted':
    case 'approved':
      return { state: row.check_state }
    case 'refused':
      return { state: 'refused', reason: row.refusal ?? '' }
    default:
      return {
        state: 'form',
        accountName: row.account_name,
        numbers: row.numbers,
        someNumbers: await someNumbers(sql, row.id),
      }
  }
}

async function someNumbers(sql: Sql, certifierId: string): Promise<VirtualNumber[]> {
  const rows = await sql.rows<{ x: VirtualNumber }>({
    name: 'guided.some-numbers',
    text: 'select x from certifier_number where certifier_id = $1 order by x limit 5',
    values: [certifierId],
  })
  return rows.map(({ x }) => x)
}

/** Counted before the phone is compared: many guesses at once are still many guesses. */
async function takeTry(sql: Sql, hash: string, now: Date): Promise<TryRow | undefined> {
  const [row] = await sql.rows<TryRow>({
    name: 'guided.take-try',
    text: `
      update certifier set link_tries = link_tries + 1
       where link_hash = $1 and link_expires_at > $2 and removed_at is null
         and check_state = 'waiting' and link_tries < ${triesMax}
         and exists (select 1 from account a where a.id = account_id and a.suspended_at is null)
      returning id, account_id, phone_index, link_request, link_tries, numbers`,
    values: [hash, now],
  })
  return row
}

async function giveTryBack(sql: Sql, id: string, hash: string): Promise<void> {
  await sql.rows({
    name: 'guided.give-try-back',
    text: `
      update certifier set link_tries = link_tries - 1
       where id = $1 and link_hash = $2 and link_tries > 0`,
    values: [id, hash],
  })
}

async function markSubmitted(
  sql: Sql,
  given: { row: TryRow; hash: string; started: StartedCheck; now: Date },
): Promise<boolean> {
  const { row, hash, started, now } = given
  const rows = await sql.rows({
    name: 'guided.mark-submitted',
    text: `
      update certifier
         set check_state = 'submitted', reference = $3, submitted_at = $4, decided_at = null,
             link_tries = 0
       where id = $1 and link_hash = $2 and check_state = 'waiting' and removed_at is null
      returning 1`,
    values: [row.id, hash, started.reference, now],
  })
  return rows.length > 0
}

async function isSubmitted(sql: Sql, reference: string): Promise<boolean> {
  const rows = await sql.rows({
    name: 'guided.is-submitted',
    text: 'select 1 from certifier where reference = $1 and removed_at is null',
    values: [reference],
  })
  return rows.length > 0
}
