import type { FastifyPluginAsync } from 'fastify'
import type { AccessKeys } from '../../accounts/access-keys.ts'
import type { Accounts } from '../../accounts/accounts.ts'
import type { Audit } from '../../accounts/audit.ts'
import type { Tokens } from '../../accounts/tokens.ts'
import type { Bindings } from '../../bindings/bindings.ts'
import type { CallRecords } from '../../cdr/call-records.ts'
import type { Numbers } from '../../numbers/numbers.ts'
import type { Pools } from '../../numbers/pools.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { accessKeyRoutes } from './access-keys.ts'
import { accountRoutes } from './accounts.ts'
import { auditRoutes } from './audit.ts'
import { bindingRoutes } from './bindings.ts'
import { callRoutes } from './calls.ts'
import { numberRoutes } from './numbers.ts'
import { poolRoutes } from './pools.ts'
import { revealRoutes } from './reveal.ts'
import { tokenRoutes } from './tokens.ts'
import { type ShownTrunks, trunkRoutes } from './trunks.ts'

/** What `/v1` shows. */
export type V1Rooms = {
  readonly bindings: Bindings
  readonly pools: Pools
  readonly numbers: Numbers
  readonly trunks: ShownTrunks
  readonly callRecords: CallRecords
  readonly accounts: Accounts
  readonly tokens: Tokens
  readonly accessKeys: AccessKeys
  readonly audit: Audit
  readonly parser: NumberParser
}

/** Each noun is handed only what it shows. */
export const v1Routes: FastifyPluginAsync<V1Rooms> = async (app, rooms) => {
  const { bindings, pools, numbers, trunks, callRecords, parser } = rooms
  const { accounts, tokens, accessKeys, audit } = rooms
  await app.register(bindingRoutes, { bindings, parser })
  await app.register(poolRoutes, { pools })
  await app.register(numberRoutes, { numbers, parser })
  await app.register(trunkRoutes, { trunks })
  await app.register(callRoutes, { callRecords, parser })
  await app.register(accountRoutes, { accounts })
  await app.register(tokenRoutes, { tokens })
  await app.register(accessKeyRoutes, { accessKeys })
  await app.register(auditRoutes, { audit })
  await app.register(revealRoutes, { bindings, callRecords, audit })
}
