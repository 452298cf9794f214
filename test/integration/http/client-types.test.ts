import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { generateApi } from 'swagger-typescript-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'

/** What somebody gets who makes a client out of /docs/json: does it compile, and does it work? */
let engine: ApiEngine
let dir: string

beforeAll(async () => {
  engine = await startApiEngine()
  dir = await mkdtemp('/tmp/axb-client-')
  const document = await (await fetch(`${engine.base}/docs/json`)).json()
  const { files } = await generateApi({
    spec: document,
    output: false,
    silent: true,
    fileName: 'api.ts',
  })
  const generated = files[0]?.fileContent ?? ''
  // Its first lines keep the compiler from looking at it.
  await writeFile(join(dir, 'api.ts'), generated.replace('// @ts-nocheck', ''))
  await writeFile(join(dir, 'package.json'), JSON.stringify({ type: 'module' }))
}, 120_000)

afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

const run = promisify(execFile)

type Compiled = { readonly faults: string; readonly program: string }

async function compile(name: string, text: string): Promise<Compiled> {
  const folder = join(dir, name)
  await mkdir(folder)
  await writeFile(join(folder, 'client.ts'), text)
  const options = {
    strict: true,
    noUncheckedIndexedAccess: true,
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
    rewriteRelativeImportExtensions: true,
    rootDir: '..',
    outDir: 'out',
  }
  const config = { compilerOptions: options, files: ['client.ts', '../api.ts'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = resolve('node_modules/.bin/tsc')
  const faults = await run(tsc, ['-p', folder]).then(
    () => '',
    (err: { stdout: string }) => err.stdout,
  )
  return { faults, program: join(folder, 'out', name, 'client.js') }
}

const head = `
import { Api, type Problem } from '../api.ts'
const api = new Api<string>({
  baseUrl: process.argv[2] ?? '',
  securityWorker: (token) => ({ headers: { authorization: \`Bearer \${token}\` } }),
})
api.setSecurityData(process.argv[3] ?? null)
declare const process: { argv: string[] }
declare const console: { log(text: string): void }
`

test('a client that is made out of the document compiles, and does what it says', async () => {
  const { faults, program } = await compile(
    'good',
    `${head}
const pool = await api.v1.createPool({ name: 'typed', product: 'AXB' })
const key: string = pool.data.key
await api.v1.addNumbers({ poolKey: key, numbers: ['17012340001', '17012340002'] })
const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
const bound = await api.v1.createBinding(
  { poolKey: key, phoneA: '13800000001', phoneB: '13900000002', expiresAt },
  { headers: { 'idempotency-key': 'typed-1' } },
)
const status: 'live' | 'expired' | 'unbound' = bound.data.status
const page = await api.v1.listBindings({ poolKey: key, limit: 10 })
const ids: string[] = page.data.items.map((each) => each.id)
const next: string | undefined = page.data.nextCursor
const full = await api.v1.revealBinding(bound.data.id)
const refused = await api.v1
  .createBinding({ poolKey: 'FC199999999999999', phoneA: '13800000001', expiresAt })
  .then(() => undefined, (answer: { error: Problem }) => answer.error.code)
await api.v1.deleteBinding(bound.data.id)
const log = await api.v1.listAudit({ action: 'deleteBinding', subject: bound.data.id })
console.log(JSON.stringify({ status, same: ids.includes(bound.data.id), next: next ?? 'none',
  a: full.data.phoneA.length, refused, logged: log.data.items.length }))
`,
  )
  expect(faults).toBe('')
  const { stdout } = await run(process.execPath, [program, engine.base, engine.adminToken])
  expect(JSON.parse(stdout)).toEqual({
    status: 'live',
    same: true,
    next: 'none',
    a: 14,
    refused: 'pool-unknown',
    logged: 1,
  })
})

test('what the document does not know does not compile', async () => {
  const wrong = [
    // A field, a product, an answer and a filter that are none; one that is missing; one that may be.
    `await api.v1.createPool({ name: 'x', product: 'AXB', nmae: 'x' })`,
    `await api.v1.createPool({ name: 'x', product: 'AXC' })`,
    `;(await api.v1.getPool('FC1')).data.secret`,
    `await api.v1.listBindings({ colour: 'red' })`,
    `await api.v1.createPool({ name: 'x' })`,
    `;(await api.v1.listPools()).data.nextCursor.length`,
  ]
  const { faults } = await compile('wrong', `${head}${wrong.join('\n')}\n`)
  const first = head.split('\n').length
  const lines = [...faults.matchAll(/client\.ts\((\d+),\d+\): error TS/g)].map(([, line]) => line)
  expect([...new Set(lines)]).toEqual(wrong.map((_, at) => String(first + at)))
})
