import { createHash } from 'node:crypto'
import { DomainError } from '../domain/errors.ts'
import type { BindingId, VirtualNumber } from '../domain/ids.ts'
import type { RouteChange, SealedNumberRoute } from '../domain/route-change.ts'
import type { Clock } from '../platform/clock.ts'
import { type Sql, violatedConstraint } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { type BindValues, type BoundRow, bindStatement, type XChoice } from './bind-statement.ts'
import type { BindCommand, Binding } from './binding.ts'
import { checkCommand } from './check-command.ts'
import { forgetOldKey, rememberedBinding } from './idempotency.ts'
import { sweepExpired } from './sweep-expired.ts'
import { bindConflict, noNumberFree, whyRefused, xIsFull } from './why-refused.ts'

/** Each round can lose only to binders that won: beyond this the pool is being emptied faster than we can look. */
const roundsMax = 20

type Outcome = BoundRow | 'nothing' | 'conflict' | 'full' | 'repeated'

export type BindDeps = {
  readonly sql: Sql
  readonly vault: Vault
  readonly clock: Clock
  readonly publish: (change: RouteChange) => Promise<void>
  /** Makes sure that what was committed for X earlier is true for calls. */
  readonly settle: (x: VirtualNumber) => Promise<void>
  readonly get: (accountId: Binding['accountId'], id: BindingId) => Promise<Binding>
}

export function createBind(deps: BindDeps): (command: BindCommand) => Promise<Binding> {
  const { sql, vault, clock, publish } = deps

  return async (command) => {
    const now = clock.now()
    const fault = checkCommand(command, now)
    if (fault !== undefined) throw fault

    const values = valuesOf(command, vault, now)
    const repeated = await answeredBefore(deps, command, values)
    if (repeated !== undefined) return repeated

    const row = await take(sql, command.x, values)
    if (row === 'repeated') return lateRepeat(deps, command, values)
    await publish(changeOf(command, values, row))
    return bindingOf(command, values, row)
  }
}

async function answeredBefore(
  deps: BindDeps,
  command: BindCommand,
  values: BindValues,
): Promise<Binding | undefined> {
  if (values.idempotencyKey === undefined) return undefined
  const found = await rememberedBinding(deps.sql, values)
  if (found === undefined) return undefined
  const binding = await deps.get(command.accountId, found)
  await deps.settle(binding.x)
  return binding
}

/** Two requests with one key at the same time: the database let one through, and this is the other. */
async function lateRepeat(
  deps: BindDeps,
  command: BindCommand,
  values: BindValues,
): Promise<Binding> {
  const binding = await answeredBefore(deps, command, values)
  if (binding !== undefined) return binding
  throw new DomainError(
    'request-in-progress',
    409,
    'Another request with this Idempotency-Key has only just ended. Send it once more.',
  )
}

async function take(
  sql: Sql,
  x: VirtualNumber | undefined,
  values: BindValues,
): Promise<BoundRow | 'repeated'> {
  const asked = {
    accountId: values.accountId,
    poolKey: values.poolKey,
    x,
    parties: [values.a.index, values.b.index],
  }
  const outcome = x === undefined ? await allocate(sql, values) : await takeGiven(sql, x, values)
  if (outcome === 'nothing') throw await whyRefused(sql, asked)
  if (outcome === 'conflict') throw bindConflict()
  if (outcome === 'full') throw xIsFull()
  return outcome
}

async function takeGiven(sql: Sql, x: VirtualNumber, values: BindValues): Promise<Outcome> {
  const outcome = await attempt(sql, { by: 'given', x }, values)
  if (outcome !== 'full') return outcome
  // Full of bindings that have expired and were not swept?
  const swept = await sweepExpired(sql, { now: values.now, x })
  return swept === 0 ? 'full' : attempt(sql, { by: 'given', x }, values)
}

/**
 * From a random position upwards, then downwards, passing by numbers that others are just binding;
 * only when nothing else is left, wait for those.
 */
async function allocate(sql: Sql, values: BindValues): Promise<Outcome> {
  let swept = false
  for (let round = 0; round < roundsMax; round += 1) {
    const outcome = await oneRound(sql, values)
    if (outcome !== 'nothing' && outcome !== 'conflict' && outcome !== 'full') return outcome
    if (outcome === 'nothing' && !(await anyUsable(sql, values))) {
      if (swept) return 'nothing'
      swept = true
      if ((await sweepExpired(sql, { now: values.now, poolKey: values.poolKey })) === 0) {
        return 'nothing'
      }
    }
  }
  throw noNumberFree()
}

async function oneRound(sql: Sql, values: BindValues): Promise<Outcome> {
  const fraction = Math.random()
  const choices: XChoice[] = [
    { by: 'upwards', fraction },
    { by: 'downwards', fraction },
    { by: 'wait', fraction: 0 },
  ]
  for (const choice of choices) {
    const outcome = await attempt(sql, choice, values)
    if (outcome !== 'nothing') return outcome
  }
  return 'nothing'
}

async function attempt(sql: Sql, choice: XChoice, values: BindValues): Promise<Outcome> {
  try {
    const [row] = await sql.rows<BoundRow>(bindStatement(choice, values))
    return row ?? 'nothing'
  } catch (err) {
    switch (violatedConstraint(err)) {
      case 'binding_leg_one_per_party':
        return 'conflict'
      case 'number_capacity':
        return 'full'
      case 'idempotency_key_once':
        return (await forgetOldKey(sql, values)) ? attempt(sql, choice, values) : 'repeated'
      default:
        throw err
    }
  }
}

/** Whether a round found nothing only because others were at it. */
async function anyUsable(sql: Sql, values: BindValues): Promise<boolean> {
  const rows = await sql.rows({
    name: 'bindings.any-usable',
    text: `
      select 1 from number n join pool p on p.key = n.pool_key
       where n.account_id = $1 and n.pool_key = $2 and n.free
         and p.product = 'AXB'
         and not exists (select 1 from number other where other.x_index = any($3))
         and not exists (select 1 from binding_leg l
                          where l.x = n.x and l.party = any($3) and l.expires_at > $4)
       limit 1`,
    values: [values.accountId, values.poolKey, [values.a.index, values.b.index], values.now],
  })
  return rows.length > 0
}

function valuesOf(command: BindCommand, vault: Vault, now: Date): BindValues {
  const side = (number: BindCommand['a']) => ({
    sealed: vault.seal(number),
    index: vault.blindIndex(number),
  })
  const a = side(command.a)
  const b = side(command.b)
  const terms = {
    expiresAt: new Date(Math.floor(command.expiresAt.getTime() / 1000) * 1000),
    recording: command.recording,
    tones: command.tones,
    ringSecondsMax: command.ringSecondsMax,
    talkSecondsMax: command.talkSecondsMax,
    restriction: command.restriction,
    outId: command.outId,
  }
  const request = [command.poolKey, command.x, a.index, b.index, ...Object.values(terms)]
  return {
    accountId: command.accountId,
    poolKey: command.poolKey,
    a,
    b,
    ...terms,
    now,
    idempotencyKey: command.idempotencyKey,
    // Undefined becomes null: every field keeps its place.
    requestHash: createHash('sha256').update(JSON.stringify(request)).digest('base64url'),
  }
}

function changeOf(command: BindCommand, values: BindValues, row: BoundRow): RouteChange {
  const number: SealedNumberRoute = {
    x: row.x as VirtualNumber,
    accountId: command.accountId,
    poolKey: command.poolKey,
    product: row.product as SealedNumberRoute['product'],
    state: 'normal',
    city: row.city ?? undefined,
    settings: row.settings,
    single: undefined,
  }
  const terms = {
    bindingId: row.id as BindingId,
    expiresAt: values.expiresAt,
    recording: values.recording,
    tones: values.tones,
    ringSecondsMax: values.ringSecondsMax,
    talkSecondsMax: values.talkSecondsMax,
    restriction: command.restriction,
    outId: command.outId,
  }
  return {
    id: row.invalidation_id,
    x: number.x,
    version: Number(row.version),
    number,
    parties: [
      {
        party: values.a.index,
        bound: { ...terms, callerRole: 'A', peerSealed: values.b.sealed },
      },
      {
        party: values.b.index,
        bound: { ...terms, callerRole: 'B', peerSealed: values.a.sealed },
      },
    ],
  }
}

function bindingOf(command: BindCommand, values: BindValues, row: BoundRow): Binding {
  return {
    id: row.id as BindingId,
    accountId: command.accountId,
    poolKey: command.poolKey,
    x: row.x as VirtualNumber,
    product: row.product as Binding['product'],
    a: command.a,
    b: command.b,
    extension: undefined,
    groupId: undefined,
    expiresAt: values.expiresAt,
    recording: command.recording,
    tones: command.tones,
    ringSecondsMax: command.ringSecondsMax,
    talkSecondsMax: command.talkSecondsMax,
    restriction: command.restriction,
    outId: command.outId,
    createdAt: values.now,
    state: 'live',
    endedAt: undefined,
  }
}
