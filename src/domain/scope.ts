/**
 * What a token or access key may be allowed to do. `read` everything but real numbers; `bind` make,
 * change and end bindings; `numbers` pools, X numbers, groups, blacklists; `money` what costs or
 * tells of money; `reveal` see real numbers in full; `admin` tokens, access keys and the audit log.
 */
export const scopes = ['read', 'bind', 'numbers', 'money', 'reveal', 'admin'] as const
export type Scope = (typeof scopes)[number]
