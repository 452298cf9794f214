import type { Static } from 'typebox'
import type { Waybills } from '../../bindings/waybills.ts'
import type { AccountId, CallId, VirtualNumber } from '../../domain/ids.ts'
import type { Scope } from '../../domain/scope.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import type { QueueTokens } from '../../receipts/queue-tokens.ts'
import type { V1Rooms } from '../v1/v1-routes.ts'
import type { Members } from './answer.ts'
import type { Parameters } from './parameters.ts'
import { type ActionSchema, createReader } from './schema.ts'

/** What an action works with: whose it is, and the same use cases that /v1 calls. */
export type ActionContext = {
  readonly accountId: AccountId
  readonly accessKeyId: string
  readonly rooms: V1Rooms &
    AfterCallRooms & { readonly waybills: Waybills; readonly queueTokens: QueueTokens }
  readonly parser: NumberParser
  /** Whether the key may see real numbers in full; otherwise answers carry them masked. */
  readonly mayReveal: boolean
  /** Before an answer with numbers in full. Rejects when it cannot be noted. */
  noteReveal(subjects: readonly string[]): Promise<void>
}

/** What is made of a call after it, or of a text message. Undefined: there is none (yet). */
export type AfterCallRooms = {
  readonly recordings: {
    /** Good for two hours. */
    downloadUrl(accountId: AccountId, callId: CallId): Promise<string | undefined>
    /** Of the call and of its ringing, good for thirty days. */
    publicUrls(
      accountId: AccountId,
      callId: CallId,
    ): Promise<{ call: string; ringing: string | undefined } | undefined>
  }
  readonly transcripts: {
    get(accountId: AccountId, callId: CallId): Promise<Members | undefined>
  }
  readonly messages: {
    /** Sends one that was held back. False: there is none. */
    confirm(accountId: AccountId, x: VirtualNumber, callId: CallId): Promise<boolean>
  }
}

/** One action of the vendor's API (product-semantics 3). */
export type RpcAction = {
  readonly name: string
  readonly scope: Scope
  /** Per access key (product-semantics 2.5). */
  readonly perSecondMax: number
  run(parameters: Parameters, context: ActionContext): Promise<Members>
}

/** `run` gets what the schema says and gives the answer's own members; a refusal is thrown. */
export function defineAction<Schema extends ActionSchema>(
  action: Omit<RpcAction, 'run'> & {
    readonly schema: Schema
    run(asked: Static<Schema>, context: ActionContext): Promise<Members>
  },
): RpcAction {
  const { name, scope, perSecondMax, schema, run } = action
  const read = createReader(schema)
  return {
    name,
    scope,
    perSecondMax,
    run: (parameters, context) => run(read(parameters), context),
  }
}
