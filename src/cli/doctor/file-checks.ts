import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readVaultKeys } from '../../platform/vault.ts'
import { type Finding, fail, ok, reasonOf, warn } from './finding.ts'

const gibibyte = 1024 ** 3
/** An hour of a hundred recorded calls is about 6 GB in stereo; below these somebody has to act. */
const freeBytesWarn = 5 * gibibyte
const freeBytesFail = gibibyte / 4

/** Whoever reads this file reads every real number in the database. */
export async function checkKeyFile(file: string): Promise<Finding[]> {
  const part = 'key file'
  let facts: Awaited<ReturnType<typeof stat>>
  try {
    facts = await stat(file)
  } catch (err) {
    return [fail(part, `${file}: ${reasonOf(err)}`, 'create it, or correct AXBRIDGE_KEY_FILE')]
  }
  const findings: Finding[] = []
  const mode = Number(facts.mode) & 0o777
  if ((mode & 0o077) !== 0) {
    const shown = mode.toString(8)
    findings.push(fail(part, `${file} can be read by others (mode ${shown})`, `chmod 600 ${file}`))
  }
  const user = process.getuid?.()
  if (user !== undefined && user !== 0 && Number(facts.uid) !== user) {
    findings.push(warn(part, `${file} belongs to another user`, 'chown it to this one'))
  }
  try {
    const keys = await readVaultKeys(file)
    if (findings.length === 0)
      findings.push(ok(part, `${file} is readable by its owner only; keys in it: ${keys.length}`))
  } catch (err) {
    findings.push(fail(part, reasonOf(err), 'restore it from your backup'))
  }
  return findings
}

/** Writes, flushes and removes a file there, and looks at the space that is left on its disk. */
export async function checkFolder(name: string, folder: string): Promise<Finding[]> {
  const part = `${name} folder`
  if (!existsSync(folder)) {
    const todo = 'nothing, if the engine was never started: it makes the folder'
    return [warn(part, `${folder} is not there yet`, todo)]
  }
  const probe = join(folder, `.doctor-${randomUUID()}`)
  try {
    await writeFile(probe, 'probe', { flush: true })
    await rm(probe)
    const disk = await statfs(folder)
    return [spaceFinding(part, folder, disk.bavail * disk.bsize)]
  } catch (err) {
    return [fail(part, reasonOf(err), 'let this user write there')]
  }
}

function spaceFinding(part: string, folder: string, freeBytes: number): Finding {
  const detail = `${folder} is writable, ${(freeBytes / gibibyte).toFixed(1)} GiB free`
  if (freeBytes < freeBytesFail) return fail(part, detail, 'make room on its disk')
  return freeBytes < freeBytesWarn ? warn(part, detail, 'make room on its disk') : ok(part, detail)
}
