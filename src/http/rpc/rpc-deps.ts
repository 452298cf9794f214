import type { KeyHolder } from '../../accounts/account.ts'
import type { AuditNote } from '../../accounts/audit.ts'
import { DomainError } from '../../domain/errors.ts'
import type { V1Rooms } from '../v1/v1-routes.ts'
import type { ActionContext } from './action.ts'
import type { UseNonce } from './nonces.ts'
import { rpcActions } from './rpc-actions.ts'
import type { RpcDeps } from './rpc-routes.ts'
import { subjectsAnswered, subjectsAsked } from './subjects.ts'
import { createThrottle } from './throttle.ts'

/** What the RPC API needs beside what /v1 shows. */
export type RpcJoin = {
  readonly keys: { find(id: string): Promise<KeyHolder | undefined> }
  readonly useNonce: UseNonce
  readonly echoesExactly: boolean
  readonly rooms: Omit<ActionContext['rooms'], keyof V1Rooms>
}

export function rpcDepsOf(join: RpcJoin, rooms: V1Rooms): RpcDeps {
  const { audit, parser } = rooms
  const allRooms = { ...rooms, ...join.rooms }
  return {
    ...join,
    actions: rpcActions,
    throttle: createThrottle(() => performance.now()),
    now: () => new Date(),

    contextOf: (holder, request) => ({
      accountId: holder.accountId,
      accessKeyId: holder.keyId,
      rooms: allRooms,
      parser,
      mayReveal: holder.scopes.includes('reveal'),
      noteReveal: (subjects) => audit.record(noteOf(request, subjects), 200),
    }),

    /** As /v1 does: noted before, and what became of it after. */
    async noted(request, work) {
      const { parameters } = request
      const intent = await audit.begin(noteOf(request, subjectsAsked(parameters)))
      const finish = (status: number, done: readonly string[] = []) => {
        const subjects = [...new Set([...intent.subjects, ...done])]
        audit.finish(intent, { status, subjects })
      }
      try {
        const members = await work()
        finish(200, subjectsAnswered(parameters, members, parser))
        return members
      } catch (err) {
        finish(err instanceof DomainError ? err.httpStatus : 500)
        throw err
      }
    },
  }
}

function noteOf(
  request: { holder: KeyHolder; action: { name: string }; requestId: string; address: string },
  subjects: readonly string[],
): AuditNote {
  const { holder, action, requestId, address } = request
  return {
    accountId: holder.accountId,
    actor: holder.keyId,
    action: action.name,
    subjects,
    requestId,
    address,
  }
}
