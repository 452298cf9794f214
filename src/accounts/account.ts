import type { AccountId } from '../domain/ids.ts'
import type { Scope } from '../domain/scope.ts'

export type Account = {
  readonly id: AccountId
  readonly name: string
  /** Runs the installation. */
  readonly operator: boolean
  readonly suspendedAt: Date | undefined
  readonly createdAt: Date
}

/** What tokens and access keys have in common. */
type Grant = {
  readonly accountId: AccountId
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Addresses and CIDR blocks that may use it; empty: any. */
  readonly addresses: readonly string[]
}

export type Token = Grant & {
  readonly id: string
  /** Undefined: as the server says. */
  readonly requestsPerMinuteMax: number | undefined
  readonly expiresAt: Date | undefined
  readonly status: TokenStatus
  readonly createdAt: Date
  /** To the minute. */
  readonly lastUsedAt: Date | undefined
  readonly revokedAt: Date | undefined
}

export type TokenStatus = 'good' | 'expired' | 'revoked'

export type CreateToken = Grant & {
  readonly requestsPerMinuteMax?: number | undefined
  readonly expiresAt?: Date | undefined
}

export type AccessKey = Grant & {
  readonly id: string
  readonly enabled: boolean
  readonly createdAt: Date
  readonly rotatedAt: Date | undefined
  /** Until when the secret before the last rotation is good too. */
  readonly previousUntil: Date | undefined
  readonly lastUsedAt: Date | undefined
}

export type CreateAccessKey = Grant

/** Whoever showed a token, as far as a request needs to know. */
export type TokenHolder = {
  readonly tokenId: string
  readonly accountId: AccountId
  readonly operator: boolean
  readonly suspended: boolean
  readonly scopes: readonly Scope[]
  readonly addresses: readonly string[]
  readonly requestsPerMinuteMax: number | undefined
  readonly expiresAt: Date | undefined
}

/** What is needed to check a signature, and what the signer may do then. */
export type KeyHolder = {
  readonly keyId: string
  readonly accountId: AccountId
  readonly operator: boolean
  readonly suspended: boolean
  readonly enabled: boolean
  readonly scopes: readonly Scope[]
  readonly addresses: readonly string[]
  /** Good ones, newest first: one, or two for a while after a rotation. */
  readonly secrets: readonly string[]
}

export type ListFilter = {
  readonly accountId: AccountId
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export type AccountFilter = {
  readonly suspended?: boolean | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export type TokenFilter = ListFilter & {
  readonly status?: TokenStatus | undefined
}

export type KeyFilter = ListFilter & {
  readonly enabled?: boolean | undefined
}

export type Page<Item> = {
  readonly items: readonly Item[]
  readonly nextCursor: string | undefined
}
