import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AccountId } from '../../domain/ids.ts'
import { type Scope, scopes } from '../../domain/scope.ts'
import { principalOf } from '../auth.ts'
import { operatorOnly, scopeMissing } from '../scopes.ts'
import { accountIdShape } from './accounts.ts'
import { closed, lineOfText, pageQuery, timeShape } from './shapes.ts'

/** What tokens and access keys have in common. */
export const grantFields = {
  name: lineOfText(64, { description: 'What it is for.', examples: ['order service'] }),
  scopes: Type.Array(Type.Enum([...scopes]), {
    minItems: 1,
    maxItems: scopes.length,
    description: 'What it may do. Nobody can give a scope that he does not have.',
    examples: [['read', 'bind']],
  }),
}

export const addressesShape = Type.Array(Type.String({ minLength: 2, maxLength: 64 }), {
  maxItems: 64,
  description: 'IP addresses and CIDR blocks that it may be used from; empty or absent: any.',
  examples: [['203.0.113.10', '2001:db8::/32']],
})

/** The operator may say whose; everybody else has only his own. */
export const forAccount = {
  accountId: Type.Optional({
    ...accountIdShape,
    description: 'Of this account; only for the operator. Absent: of your own.',
  }),
}

export const grantQuery = { ...forAccount, ...pageQuery }
export const AccountQuery = Type.Object(forAccount, closed)

export const grantTimes = {
  createdAt: timeShape,
  lastUsedAt: Type.Optional({ ...timeShape, description: 'To the minute.' }),
}

/** Whether an account exists is the operator's to know: the refusal is the same for those that do not. */
export function accountIn(request: FastifyRequest, asked: string | undefined): AccountId {
  const { accountId, operator } = principalOf(request)
  if (asked === undefined || asked === accountId) return accountId
  if (!operator) throw operatorOnly()
  return asked as AccountId
}

/** A token with `admin` and without `reveal` could otherwise make itself one that has it. */
export function checkGivable(request: FastifyRequest, given: readonly Scope[]): void {
  const missing = given.find((scope) => !principalOf(request).scopes.includes(scope))
  if (missing !== undefined) throw scopeMissing(missing)
}
