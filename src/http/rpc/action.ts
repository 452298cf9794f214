import type { Static } from 'typebox'
import type { AccountId } from '../../domain/ids.ts'
import type { Scope } from '../../domain/scope.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import type { V1Rooms } from '../v1/v1-routes.ts'
import type { Members } from './answer.ts'
import type { Parameters } from './parameters.ts'
import { type ActionSchema, readAs } from './schema.ts'

/** What an action works with: whose it is, and the same use cases that /v1 calls. */
export type ActionContext = {
  readonly accountId: AccountId
  readonly rooms: V1Rooms
  readonly parser: NumberParser
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
  return {
    name,
    scope,
    perSecondMax,
    run: (parameters, context) => run(readAs(schema, parameters), context),
  }
}
