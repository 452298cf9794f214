// Exit code 0 when node_modules holds what package-lock.json says; 1 when `npm ci` is due.
import { readFileSync } from 'node:fs'

process.exit(isCurrent() ? 0 : 1)

function isCurrent() {
  const wanted = packagesOf('package-lock.json')
  // npm's own note of what it has installed.
  const installed = packagesOf('node_modules/.package-lock.json')
  if (wanted === undefined || installed === undefined) return false
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true
    const found = installed[path]
    // An optional package may be for another kind of machine.
    return found === undefined ? optional === true : found.version === version
  })
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}
