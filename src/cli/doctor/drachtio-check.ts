import { randomUUID } from 'node:crypto'
import { type Finding, fail, ok, reasonOf } from './finding.ts'
import { converse } from './frames.ts'

const portDefault = 9022

/** Says hello in the drachtio client protocol; takes no calls, as it registers for nothing. */
export async function checkDrachtio(url: string): Promise<Finding[]> {
  const { hostname, port, password } = new URL(url)
  const at = `${hostname}:${port === '' ? portDefault : port}`
  const part = `drachtio ${at}`
  let talk: Awaited<ReturnType<typeof converse>>
  try {
    talk = await converse(hostname, port === '' ? portDefault : Number(port))
  } catch (err) {
    return [fail(part, `not reachable: ${reasonOf(err)}`, 'start it, or correct DRACHTIO_URL')]
  }
  try {
    const id = randomUUID()
    talk.send(framed(`${id}|authenticate|${decodeURIComponent(password)}|`))
    // <length>#<new id>|response|<id>|OK|<hostports>|<version>|... or ...|NO|<reason>
    const answer = await talk.expect((received) =>
      new RegExp(`\\|response\\|${id}\\|([^\\r]+)`).exec(received)?.[1]?.split('|'),
    )
    const [verdict, hostports = '', version = ''] = answer
    if (verdict === 'OK') return [ok(part, `accepts us, version ${version}, SIP on ${hostports}`)]
    return [fail(part, `refuses us: ${hostports}`, 'correct the secret in DRACHTIO_URL')]
  } catch (err) {
    return [fail(part, `does not speak the drachtio protocol: ${reasonOf(err)}`, 'check the port')]
  } finally {
    talk.end()
  }
}

function framed(payload: string): string {
  return `${Buffer.byteLength(payload)}#${payload}`
}
