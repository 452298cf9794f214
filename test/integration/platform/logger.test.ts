import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLogger } from '../../../src/platform/logger.ts'

const run = promisify(execFile)
const moduleUrl = new URL('../../../src/platform/logger.ts', import.meta.url).href
const patience = { timeout: 5_000, interval: 10 }

describe('the log', () => {
  let dir: string
  let file: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'axb-log-'))
    file = join(dir, 'log')
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const messages = async () => {
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    return lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  }

  test('gathers lines, and writes the last of them without waiting for another', async () => {
    const log = createLogger({ level: 'info', destination: file })
    const texts = Array.from({ length: 500 }, (_, at) => `line ${at}`)
    for (const text of texts) log.info(text)
    await vi.waitFor(async () => expect(await messages()).toEqual(texts), patience)
    log.info('later')
    await vi.waitFor(async () => expect((await messages()).at(-1)).toBe('later'), patience)
  })

  test.each([
    ['ends', ''],
    ['is ended', 'process.exit(3)'],
    ['fails', 'throw new Error("on purpose")'],
  ])('keeps the lines of a process that %s', async (_, how) => {
    const code = `
      import { createLogger } from '${moduleUrl}'
      const log = createLogger({ level: 'info', destination: 1 })
      setTimeout(() => { log.info('first'); log.info('last'); ${how} }, 10)`
    const args = ['--import', 'tsx', '--input-type=module', '-e', code]
    const cwd = fileURLToPath(new URL('../../..', import.meta.url))
    const { stdout } = await run(process.execPath, args, { cwd }).catch(
      (err: { stdout: string }) => err,
    )
    const lines = stdout.trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'first',
      'last',
    ])
  })
})
