import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Sql } from '../platform/sql.ts'
import type { Vault } from '../platform/vault.ts'
import { batchRequest, idsOf, type Opened, openAll } from './push-batch.ts'
import { claimProbe, leaseLane, nextBatch } from './push-lanes.ts'
import { probeAfter, recordFailed, recordSent, recordUnreadable } from './push-outcomes.ts'
import type { PushAnswer, PushPost } from './push-post.ts'
import type { PushTarget } from './push-target.ts'

/** What is counted: receipts by what became of a try, and how late those are that arrived. */
export type PushCounts = {
  tried(type: string, outcome: 'sent' | 'retry' | 'dead', receipts: number): void
  delivered(type: string, secondsAfterEvent: number): void
}

export type PushDeps = {
  readonly sql: Sql
  readonly vault: Pick<Vault, 'openText'>
  readonly clock: Clock
  readonly post: Pick<PushPost, 'send'>
  readonly counts: PushCounts
  readonly log: Logger
}

type OneLane = { readonly target: PushTarget; readonly lane: number; readonly holder: string }

/** Sends the lane's next batch. Resolves to whether the lane may go on with the one after. */
export async function sendNext(deps: PushDeps, at: OneLane): Promise<boolean> {
  const { sql, vault, clock } = deps
  const { target, lane } = at
  const { accountId, type, timeoutMs } = target
  if (!(await leaseLane(sql, { ...at, accountId, type, timeoutMs }))) return false
  const now = clock.now()
  const rows = await nextBatch(sql, target, { lane, now })
  if (rows.length === 0) return false
  const { opened, unreadable } = openAll(vault, type, rows)
  if (unreadable.length > 0) await recordUnreadable(sql, target, unreadable)
  if (opened.length === 0) return true
  const probe = { accountId, type, now, nextAt: probeAfter(now) }
  if (target.isPaused && !(await claimProbe(sql, probe))) return false
  const answer = await deps.post.send(batchRequest(vault, target, { opened, now }))
  if (answer.fault === undefined) await afterSuccess(deps, target, { opened, answer })
  else await afterFault(deps, target, { opened, answer })
  return answer.fault === undefined && !target.isPaused
}

type Tried = { readonly opened: readonly Opened[]; readonly answer: PushAnswer }

async function afterSuccess(
  { sql, clock, counts, log }: PushDeps,
  { accountId, type, url }: PushTarget,
  { opened, answer }: Tried,
): Promise<void> {
  const now = clock.now()
  const isBack = await recordSent(sql, { accountId, type, url, ids: idsOf(opened), answer, now })
  if (isBack) log.info({ accountId, messageType: type }, 'a push URL answers again')
  counts.tried(type, 'sent', opened.length)
  for (const { happenedAt } of opened) {
    counts.delivered(type, Math.max(0, now.getTime() - happenedAt.getTime()) / 1000)
  }
}

async function afterFault(
  { sql, clock, counts, log }: PushDeps,
  { accountId, type, url, isPaused }: PushTarget,
  { opened, answer }: Tried,
): Promise<void> {
  const tried = { accountId, type, url, ids: idsOf(opened), answer, now: clock.now() }
  const failed = await recordFailed(sql, { ...tried, isProbe: isPaused })
  counts.tried(type, 'retry', failed.again)
  counts.tried(type, 'dead', failed.dead)
  const { status, fault } = answer
  const about = { accountId, messageType: type, status, fault }
  if (failed.paused) log.warn(about, 'a push URL fails for long and is paused')
  else log.debug({ ...about, ...failed }, 'a push was not taken')
}
