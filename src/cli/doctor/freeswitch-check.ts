import { type Finding, fail, ok, reasonOf, warn } from './finding.ts'
import { type Conversation, converse } from './frames.ts'

const portDefault = 8021
/** The line that the media library takes the SIP address of the host from. */
const profilePattern = /^\s*drachtio_mrf\s.*sip:mod_sofia@((?:\d{1,3}\.){3}\d{1,3}:\d+)/m

/** Logs on to the event socket, and looks for the SIP profile and for the folder of the recordings. */
export async function checkFreeswitch(url: string, probeFile?: string): Promise<Finding[]> {
  const { hostname, port, password } = new URL(url)
  const at = `${hostname}:${port === '' ? portDefault : port}`
  const part = `freeswitch ${at}`
  let talk: Conversation
  try {
    talk = await converse(hostname, port === '' ? portDefault : Number(port))
  } catch (err) {
    return [fail(part, `not reachable: ${reasonOf(err)}`, 'start it, or correct FREESWITCH_URLS')]
  }
  try {
    const refused = await logOn(talk, decodeURIComponent(password))
    if (refused !== undefined) return [fail(part, refused.detail, refused.todo)]
    const findings = [await profile(talk, part)]
    if (probeFile !== undefined) findings.push(await sharedFolder(talk, part, probeFile))
    return findings
  } catch (err) {
    return [
      fail(part, `does not speak the event socket protocol: ${reasonOf(err)}`, 'check the port'),
    ]
  } finally {
    talk.end()
  }
}

async function logOn(talk: Conversation, password: string) {
  const greeting = await talk.expect(
    (received) => /Content-Type: (auth\/request|text\/rude-rejection)/.exec(received)?.[1],
  )
  if (greeting !== 'auth/request') {
    return { detail: 'refuses our address', todo: 'add it to the event socket ACL' }
  }
  talk.send(`auth ${password}\n\n`)
  const reply = await talk.expect((received) => /Reply-Text: ([^\n]+)/.exec(received)?.[1])
  if (reply.startsWith('+OK')) return undefined
  return { detail: `refuses us: ${reply}`, todo: 'correct the password in FREESWITCH_URLS' }
}

async function profile(talk: Conversation, part: string): Promise<Finding> {
  const status = await apiAnswer(talk, 'sofia status')
  const address = profilePattern.exec(status)?.[1]
  return address === undefined
    ? fail(part, 'has no SIP profile drachtio_mrf', 'load config/freeswitch into it')
    : ok(part, `accepts us, SIP profile drachtio_mrf at ${address}`)
}

/** Recordings are written by FreeSWITCH and read by us, so a file of ours must be there for it too. */
async function sharedFolder(talk: Conversation, part: string, file: string): Promise<Finding> {
  const answer = (await apiAnswer(talk, `file_exists ${file}`)).trim()
  const name = `recordings on ${part}`
  if (answer === 'true') return ok(name, 'it sees the folder of the recordings')
  return answer === 'false'
    ? fail(name, 'it does not see RECORDINGS_DIR', 'mount the same folder at the same path')
    : warn(name, 'it can not say whether it sees RECORDINGS_DIR', 'check the mount by hand')
}

async function apiAnswer(talk: Conversation, command: string): Promise<string> {
  talk.send(`api ${command}\n\n`)
  return talk.expect((received) => {
    const head = /Content-Type: api\/response\nContent-Length: (\d+)\n\n/.exec(received)
    if (head === null) return undefined
    const body = Buffer.from(received.slice(head.index + head[0].length))
    const length = Number(head[1])
    return body.length < length ? undefined : body.subarray(0, length).toString()
  })
}
