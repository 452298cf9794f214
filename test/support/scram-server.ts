import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

const rounds = 4096

/** The server's side of one SCRAM-SHA-512 exchange (RFC 5802), for whoever knows the password. */
export function scramServer(password: string) {
  const salt = randomBytes(16)
  const hmac = (key: Buffer, text: string) => createHmac('sha512', key).update(text).digest()
  const salted = pbkdf2Sync(password, salt, rounds, 64, 'sha512')
  const clientKey = hmac(salted, 'Client Key')
  const storedKey = createHash('sha512').update(clientKey).digest()
  let said = ''
  let user = ''

  return {
    /** To the client's first words. */
    challenge(clientFirst: string): string {
      const bare = clientFirst.replace(/^n,,/, '')
      user = /n=([^,]*)/.exec(bare)?.[1] ?? ''
      const nonce = `${/r=([^,]*)/.exec(bare)?.[1]}${randomBytes(9).toString('hex')}`
      const answer = `r=${nonce},s=${salt.toString('base64')},i=${rounds}`
      said = `${bare},${answer}`
      return answer
    },
    /** To its last words; undefined: it does not know the password. */
    verdict(clientFinal: string): { user: string; answer: string } | undefined {
      const [rest = '', proof = ''] = clientFinal.split(',p=')
      const authMessage = `${said},${rest}`
      const signature = hmac(storedKey, authMessage)
      const expected = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)))
      if (expected.toString('base64') !== proof) return undefined
      const own = hmac(hmac(salted, 'Server Key'), authMessage)
      return { user, answer: `v=${own.toString('base64')}` }
    },
  }
}
