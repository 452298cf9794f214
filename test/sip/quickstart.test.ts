import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let dataDir: string
const running: ChildProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'axb-quickstart-'))
})

afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  await vi.waitFor(() => expect(processesOf(dataDir)).toEqual([]), { timeout: 20_000 })
  await rm(dataDir, { recursive: true, force: true })
})

/** What scripts/quickstart starts when all is installed and built; here from source. */
function quickstart(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/embedded/demo/main.ts', ...args], {
    env: { ...process.env, AXBRIDGE_DATA: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  }
  const exitCode = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, exitCode, text: () => text }
}

/** Everything that was started for a data folder names it on its command line or in its environment. */
function processesOf(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(
      (pid) =>
        textOf(`/proc/${pid}/cmdline`).includes(folder) ||
        textOf(`/proc/${pid}/environ`).includes(folder),
    )
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

test('the quickstart tells a story in which every point holds, stays up, and leaves nothing behind', async () => {
  const { child, exitCode, text } = quickstart([])
  await vi.waitFor(() => expect(text()).toContain('AXBridge is up'), { timeout: 100_000 })
  expect(text()).toMatch(/All \d+ points held\./)
  expect(text()).not.toMatch(/1[38]\d{9}(?<!13800000009|13900000009)/)

  const file = join(dataDir, 'quickstart.json')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const facts = JSON.parse(await readFile(file, 'utf8'))
  expect(facts).toEqual({
    sip: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    accessKeyId: expect.stringMatching(/^AK[0-9A-Za-z]{22}$/),
    accessKeySecret: expect.stringMatching(/^[\w-]{43}$/),
    api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    token: expect.any(String),
    poolKey: expect.stringMatching(/^FC\d+$/),
    numbers: expect.arrayContaining([expect.stringMatching(/^\+86170/)]),
  })
  const headers = { authorization: `Bearer ${facts.token}` }
  const pools = await fetch(`${facts.api}/v1/pools`, { headers })
  expect(await pools.json()).toMatchObject({ items: [{ key: facts.poolKey }] })
  expect((await fetch(`${facts.api}/docs/`)).status).toBe(200)

  child.kill('SIGTERM')
  expect(await exitCode).toBe(0)
  expect(processesOf(dataDir)).toEqual([])
  expect(await readdirSync(join(dataDir, 'run'))).toEqual([])
})

test('a point that does not hold is an exit code', async () => {
  // Nobody is at B's address.
  const { exitCode, text } = quickstart(['--once'], { DEMO_TRUNK: '127.0.0.1:9' })
  expect(await exitCode).toBe(1)
  expect(text()).toContain('the call was not answered')
})
