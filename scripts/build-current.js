// Exit code 0 when dist is newer than everything that it is made from; 1 when a build is due.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildStamp } from './build-stamp.js'

const sources = [
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/copy-assets.js',
]

process.exit(isCurrent() ? 0 : 1)

function isCurrent() {
  const built = statSync(buildStamp, { throwIfNoEntry: false })?.mtimeMs
  return built !== undefined && sources.every((path) => newest(path) < built)
}

/** Of a file or of all that is below a folder. A folder's own time changes when a file in it goes. */
function newest(path) {
  const entry = statSync(path)
  if (!entry.isDirectory()) return entry.mtimeMs
  const below = readdirSync(path).map((name) => newest(join(path, name)))
  return Math.max(entry.mtimeMs, ...below)
}
