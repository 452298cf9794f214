import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Which rooms a room may import. Read it with docs/architecture.md; change both in one commit. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  platform: ['domain'],
  sip: ['domain', 'platform'],
  resolve: ['domain', 'platform'],
  route: ['domain'],
  call: ['domain', 'platform'],
  media: ['domain', 'platform'],
  cdr: ['domain', 'platform'],
  receipts: ['domain', 'platform'],
  alarms: ['domain', 'platform'],
  numbers: ['domain', 'platform'],
  bindings: ['domain', 'platform'],
  trunks: ['domain', 'platform'],
  accounts: ['domain', 'platform'],
  certification: ['domain', 'platform'],
  embedded: [],
}

/** Types of the rooms that it exposes. */
const httpTypes = [
  ...[
    'accounts',
    'alarms',
    'certification',
    'numbers',
    'bindings',
    'trunks',
    'route',
    'cdr',
    'call',
    'receipts',
  ],
]

const roomImport = /import (type )?[^'"]*from '((?:\.\.\/)+)([a-z-]+)\//g

async function sources(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
}

type RoomImport = { file: string; room: string; typeOnly: boolean }

async function importsOf(room: string): Promise<readonly RoomImport[]> {
  const found: RoomImport[] = []
  for (const file of await sources(`src/${room}`)) {
    const depth = file.split('/').length - 2
    for (const match of (await readFile(file, 'utf8')).matchAll(roomImport)) {
      const leavesRoom = (match[2] ?? '').length / 3 >= depth
      if (leavesRoom) found.push({ file, room: match[3] ?? '', typeOnly: match[1] !== undefined })
    }
  }
  return found
}

describe('rooms', () => {
  test.each(Object.entries(mayImport))('%s/ imports only %j', async (room, allowed) => {
    const strays = (await importsOf(room)).filter((each) => !allowed.includes(each.room))
    expect(strays).toEqual([])
  })

  test('http/ imports only the types of the rooms that it exposes', async () => {
    const strays = (await importsOf('http')).filter(
      ({ room, typeOnly }) =>
        !['domain', 'platform'].includes(room) && !(typeOnly && httpTypes.includes(room)),
    )
    expect(strays).toEqual([])
  })

  test('every room is in the table', async () => {
    const rooms = (await readdir('src', { withFileTypes: true })).filter((each) =>
      each.isDirectory(),
    )
    const known = [...Object.keys(mayImport), 'http', 'app', 'cli']
    expect(rooms.map((each) => each.name).filter((name) => !known.includes(name))).toEqual([])
  })
})

/**
 * The only files that may take the digits out of a `PhoneNumber`. Each is a place where privacy
 * can be lost: think before you add one.
 */
const mayReveal = [
  // At rest: sealed and indexed, never in clear.
  'src/platform/vault.ts',
  // On the wire, towards the number's own network.
  'src/sip/identity-out.ts',
  // To who has the scope for it, once it stands in the audit log.
  'src/http/v1/reveal.ts',
  // Which city a block of numbers belongs to: a look-up in memory, gives out the city only.
  'src/numbers/home-places.ts',
  // In answers of the vendor's API, to keys that may see them, noted in the audit log before.
  'src/http/rpc/shown-number.ts',
  // In receipts, to the customer whose numbers they are; sealed until they are delivered.
  'src/receipts/full-number.ts',
]

describe('privacy', () => {
  test('digits of a real number are taken out only where they must be', async () => {
    const files = await sources('src')
    const revealing: string[] = []
    for (const file of files) {
      if (file === 'src/domain/phone-number.ts') continue
      if ((await readFile(file, 'utf8')).includes('.reveal()')) revealing.push(file)
    }
    expect(revealing.filter((file) => !mayReveal.includes(file))).toEqual([])
  })

  test('the code that builds for one leg is never given the other leg’s number', async () => {
    const callee = await readFile('src/sip/callee-leg.ts', 'utf8')
    const out = await readFile('src/sip/identity-out.ts', 'utf8')
    expect(`${callee}${out}`).not.toMatch(/\bcaller: PhoneNumber|attempt\b/)
    const caller = await readFile('src/sip/caller-leg.ts', 'utf8')
    expect(caller).not.toContain('PhoneNumber')
  })
})

describe('the house', () => {
  test('no test is skipped, focused or left to do', async () => {
    const marked: string[] = []
    for (const file of await sources('test')) {
      const text = await readFile(file, 'utf8')
      if (/\b(?:test|it|describe)\.(?:skip|todo|only|fails)\b|\.(?:skipIf|runIf)\(/.test(text)) {
        marked.push(file)
      }
    }
    expect(marked.filter((file) => file !== 'test/tidy.test.ts')).toEqual([])
  })

  test('the top level holds what the README says', () => {
    const wanted = ['README.md', 'CHANGELOG.md', 'Dockerfile', 'docker-compose.yml', '.ci/run']
    const scripts = ['scripts/setup', 'scripts/quickstart', 'scripts/test', 'scripts/load']
    const docs = ['architecture', 'glossary', 'who-hangs-up-whom', 'compatibility', 'operations']
    const all = [...wanted, ...scripts, ...docs.map((name) => `docs/${name}.md`)]
    expect(all.filter((path) => !existsSync(path))).toEqual([])
  })
})
