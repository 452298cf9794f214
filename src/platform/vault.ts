import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { PhoneNumber } from '../domain/phone-number.ts'
import { createKeyedHash } from './keyed-hash.ts'

export type VaultKey = { readonly id: string; readonly bytes: Buffer }

/** Real numbers at rest: sealed for reading back, indexed for finding. */
export type Vault = {
  /** `<key id>.<base64url of nonce, tag and ciphertext>`; never the same text twice. AES-256-GCM. */
  seal(number: PhoneNumber): string
  /** Throws when the text was not sealed with one of our keys or was changed. */
  open(sealed: string): PhoneNumber
  /**
   * For what else must not stand in clear, such as a person's name: up to a few hundred characters,
   * under keys of its own. `about` says what it is (`name`), and what was sealed as one thing does
   * not open as another.
   */
  sealText(text: string, about: string): string
  /** Throws like `open`. */
  openText(sealed: string, about: string): string
  /** The same number gives the same 22 characters (128 bits of HMAC-SHA-256); does not give the number back. */
  blindIndex(number: PhoneNumber): string
  /** 22 characters that only who has our keys can make from the text; up to 64 ASCII characters. */
  stamp(text: string): string
}

const nonceBytes = 12
const tagBytes = 16
/** Asking the system for randomness costs as much as the sealing itself, so it is asked for many at once. */
const noncesAtOnce = 128

/** The first key seals; all of them open. The blind index hangs on the key named `index`, or the last one, so that sealing keys can be rotated without touching it. */
export function createVault(keys: readonly VaultKey[]): Vault {
  const last = keys.at(-1)
  if (last === undefined) throw new Error('the vault needs at least one key')
  const derive = (key: VaultKey, use: string) =>
    Buffer.from(hkdfSync('sha256', key.bytes, '', `axbridge ${use}`, 32))
  const numbers = createSeal(keys, (key) => derive(key, 'seal'))
  const texts = createSeal(keys, (key) => derive(key, 'seal text'))
  const lasting = keys.find((key) => key.id === 'index') ?? last
  const index = createKeyedHash(derive(lasting, 'index'))
  const stamp = createKeyedHash(derive(lasting, 'stamp'))

  return {
    seal: (number) => numbers.seal(number.reveal(), undefined),
    open(sealed) {
      const number = PhoneNumber.fromE164(numbers.open(sealed, undefined))
      if (number === undefined) throw new Error('sealed value is not a number')
      return number
    },
    sealText: (text, about) => texts.seal(text, about),
    openText: (sealed, about) => texts.open(sealed, about),
    blindIndex: (number) => index(number.reveal()),
    stamp,
  }
}

/** AES-256-GCM; `about` is authenticated with the text and not kept. */
function createSeal(keys: readonly VaultKey[], keyFrom: (key: VaultKey) => Buffer) {
  const byId = new Map(keys.map((key) => [key.id, keyFrom(key)]))
  const [[currentId, current] = []] = byId
  if (currentId === undefined || current === undefined) throw new Error('no key to seal with')
  const nextNonce = createNonces()

  return {
    seal(text: string, about: string | undefined): string {
      const nonce = nextNonce()
      const cipher = createCipheriv('aes-256-gcm', current, nonce)
      if (about !== undefined) cipher.setAAD(Buffer.from(about))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      const packed = Buffer.concat([nonce, cipher.getAuthTag(), body])
      return `${currentId}.${packed.toString('base64url')}`
    },
    open(sealed: string, about: string | undefined): string {
      const dot = sealed.indexOf('.')
      const key = byId.get(sealed.slice(0, dot))
      if (dot < 1 || key === undefined) throw new Error('sealed value names a key we do not have')
      const packed = Buffer.from(sealed.slice(dot + 1), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, packed.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
      if (about !== undefined) decipher.setAAD(Buffer.from(about))
      decipher.setAuthTag(packed.subarray(nonceBytes, nonceBytes + tagBytes))
      const body = packed.subarray(nonceBytes + tagBytes)
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    },
  }
}

/** Each is given out once. They are no secret (NIST SP 800-38D 5.2.1.1). */
function createNonces(): () => Buffer {
  const nonces = Buffer.alloc(nonceBytes * noncesAtOnce)
  let at = nonces.length
  return () => {
    if (at === nonces.length) {
      randomFillSync(nonces)
      at = 0
    }
    at += nonceBytes
    return nonces.subarray(at - nonceBytes, at)
  }
}

const keyLinePattern = /^([a-z0-9-]{1,16})\s+([0-9a-f]{64})$/i

/** Lines `<id> <64 hex digits>`; `#` starts a comment. */
export async function readVaultKeys(file: string): Promise<readonly VaultKey[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const advice = 'make it with: printf "first %s\\n" "$(openssl rand -hex 32)", and keep a copy'
    throw new Error(`the key file ${file} cannot be read (AXBRIDGE_KEY_FILE); ${advice}`, { cause })
  })
  const lines = text.split('\n').map((line) => line.trim())
  const used = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const keys = used.map((line, at) => {
    const match = keyLinePattern.exec(line)
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new Error(`${file}: key ${at + 1} is not '<id> <64 hex digits>'`)
    }
    return { id: match[1], bytes: Buffer.from(match[2], 'hex') }
  })
  if (keys.length === 0) throw new Error(`${file} holds no key`)
  return keys
}
