import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { access, chmod, constants, lchown, lstat, mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** As whom Postgres and Redis run. Postgres refuses to run as root. */
export type ServiceAccount = {
  readonly uid: number
  readonly gid: number
  /** What `setpriv` has to change before it starts the program. */
  readonly setpriv: readonly string[]
}

/** `nobody` on Debian; it exists everywhere. */
const nobody = { uid: 65_534, gid: 65_534 }

/**
 * Make the data folder and decide who owns it. An ordinary user runs everything as itself. Root
 * hands the folder to the owner of the folder above it, so that after `sudo` the ordinary user
 * can go on with the same data; where that is root too, the services run as `postgres`.
 */
export async function openDataFolder(folder: string): Promise<{
  readonly dataDir: string
  readonly account: ServiceAccount
}> {
  const dataDir = resolve(folder)
  await makeFolder(dataDir)
  const uid = process.getuid?.() ?? nobody.uid
  if (uid !== 0) {
    await refuseForeignFiles(dataDir, uid)
    await access(dataDir, constants.W_OK | constants.X_OK).catch((err: Error) => {
      throw unusable(dataDir, err)
    })
    return { dataDir, account: { uid, gid: process.getgid?.() ?? uid, setpriv: [] } }
  }
  const owner = await stat(dataDir)
  const wanted = owner.uid !== 0 && hasName(owner.uid) ? owner : postgresUser()
  const account = await enterableAs(dataDir, wanted.uid, wanted.gid)
  await adoptFiles(dataDir, account)
  return { dataDir, account }
}

/** After `sudo`: everything below a folder that belongs to an ordinary user goes to that user. */
export async function adoptFiles(dataDir: string, account: ServiceAccount): Promise<void> {
  const top = await stat(dataDir)
  if (process.getuid?.() !== 0 || top.uid !== account.uid) return
  await chownTree(dataDir, account)
}

/** Give a folder and all that is in it to the service account. Free when it is so already. */
export async function ownFolder(folder: string, account: ServiceAccount): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { uid } = await stat(folder)
  if (uid !== account.uid) await chownTree(folder, account)
  await chmod(folder, 0o700)
}

async function makeFolder(dataDir: string): Promise<void> {
  // 0711: the service account may pass through to its own folders and see nothing else.
  const first = await mkdir(dataDir, { recursive: true, mode: 0o711 }).catch((err: Error) => {
    throw unusable(dataDir, err)
  })
  if (first === undefined || process.getuid?.() !== 0) return
  const { uid, gid } = await stat(dirname(first))
  if (uid !== 0) await chownTree(first, { uid, gid })
}

async function chownTree(path: string, to: { uid: number; gid: number }): Promise<void> {
  const entry = await lstat(path).catch(() => undefined)
  if (entry === undefined) return
  if (entry.isDirectory()) {
    for (const name of await readdir(path)) await chownTree(join(path, name), to)
  }
  // Last, so that a folder that has its owner already has all of it.
  if (entry.uid !== to.uid) await lchown(path, to.uid, to.gid)
}

const unusable = (dataDir: string, cause: Error) =>
  new Error(
    `the data folder ${dataDir} cannot be used: ${cause.message}; set AXBRIDGE_DATA to one that can be written`,
    { cause },
  )

const chownCommand = (dataDir: string) => `sudo chown -R "$(id -un)" '${dataDir}'`

/** Said at once and in words: otherwise the fault shows much later, as a failed write somewhere. */
async function refuseForeignFiles(dataDir: string, uid: number): Promise<void> {
  const names = ['.', ...(await readdir(dataDir))]
  for (const name of names) {
    const path = join(dataDir, name)
    const entry = await lstat(path)
    if (entry.uid === uid) continue
    const remedy =
      name === '.' ? 'set AXBRIDGE_DATA to a folder of your own' : `run: ${chownCommand(dataDir)}`
    throw new Error(`${path} belongs to another user (uid ${entry.uid}); ${remedy}`)
  }
}

/** `initdb` refuses a user that has none. */
function hasName(uid: number): boolean {
  return new RegExp(`^[^:]+:[^:]*:${uid}:`, 'm').test(users())
}

const users = () => readFileSync('/etc/passwd', 'utf8')

function postgresUser(): { uid: number; gid: number } {
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(users())
  return line === null ? nobody : { uid: Number(line[1]), gid: Number(line[2]) }
}

/** Passing through folders such as /root (0700) needs this one capability and nothing more. */
const passThrough = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']

async function enterableAs(dataDir: string, uid: number, gid: number): Promise<ServiceAccount> {
  const change = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  for (const setpriv of [change, [...change, ...passThrough]]) {
    const probe = [...setpriv, '--', 'sh', '-c', 'cd -- "$1"', 'sh', dataDir]
    const entered = await run('setpriv', probe).then(
      () => true,
      () => false,
    )
    if (entered) return { uid, gid, setpriv }
  }
  throw new Error(
    `Postgres does not run as root, and uid ${uid} may not enter ${dataDir}; set AXBRIDGE_DATA to a folder such as /var/lib/axbridge`,
  )
}
