import { hash, randomBytes, randomInt } from 'node:crypto'

const letters = 'abcdefghijklmnopqrstuvwxyz'
const signs = `${letters}${letters.toUpperCase()}0123456789`

function random(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

/** Letters only: an id goes through logs, where long runs of digits are masked. */
export const newTokenId = () => `tok-${random(letters, 16)}`
export const newKeyId = () => `AK${random(signs, 22)}`
export const newKeySecret = () => randomBytes(32).toString('base64url')

/** `axb_` makes a token that leaked easy to find by those who search for such things. */
const tokenPattern = /^axb_([\w-]{43})_([\w-]{22})$/

export type TokenMint = {
  /** 256 random bits, and a stamp that only this installation can set. */
  mint(): string
  /** SHA-256 of the token; undefined when it was never minted here, which is told without a look into the database. */
  hash(token: string): Buffer | undefined
}

export function createTokenMint(stamp: (text: string) => string): TokenMint {
  return {
    mint() {
      const secret = randomBytes(32).toString('base64url')
      return `axb_${secret}_${stamp(secret)}`
    },
    hash(token) {
      const [, secret, given] = tokenPattern.exec(token) ?? []
      if (secret === undefined || given === undefined) return undefined
      // Hashes are compared, so how long it takes says nothing about the stamp.
      return sha256(stamp(secret)).equals(sha256(given)) ? sha256(token) : undefined
    },
  }
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

/** What a sealed secret is sealed as: one key's does not open as another's. */
export const secretOfKey = (id: string) => `secret of ${id}`
