import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { CertificationLink } from './certifier.ts'

const linkDays = 30
const tokenPattern = /^[\w-]{43}$/

/** What a new link writes, and what its holder gets: 256 random bits that nobody can find again. */
export function createLinks({ publicUrl }: { publicUrl: string }) {
  return {
    make(now: Date) {
      const token = randomBytes(32).toString('base64url')
      const expiresAt = new Date(now.getTime() + linkDays * 86_400_000)
      const url = new URL(`certify/${token}`, publicUrl.replace(/\/*$/, '/')).href
      const link: CertificationLink = { url, expiresAt }
      return { hash: hashOf(token), request: randomUUID() as string, expiresAt, link }
    },
  }
}

/** Undefined: not even the form of a token. */
export function linkHash(token: string): string | undefined {
  return tokenPattern.test(token) ? hashOf(token) : undefined
}

/** The token is random enough to need no salt. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
