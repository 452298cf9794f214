import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('counting the results of a suite', () => {
  function counted(report: object): string {
    const dir = mkdtempSync(join(tmpdir(), 'axb-'))
    try {
      const file = join(dir, 'report.json')
      writeFileSync(file, JSON.stringify(report))
      return run('node', 'scripts/count-tests.js', file).stdout
    } finally {
      rmSync(dir, { recursive: true })
    }
  }
  const passed = { status: 'passed' }
  const failed = { status: 'failed' }

  test('every test counts as what it was', () => {
    const results = [
      { status: 'failed', assertionResults: [passed, failed, { status: 'pending' }] },
      { status: 'passed', assertionResults: [passed] },
    ]
    expect(counted({ testResults: results })).toBe('2 1 1\n')
  })

  test('a file that could not be loaded counts as a failure', () => {
    expect(counted({ testResults: [{ status: 'failed', assertionResults: [] }] })).toBe('0 1 0\n')
  })

  test('no report counts as nothing; the exit code of the suite tells the rest', () => {
    expect(run('node', 'scripts/count-tests.js', '/nowhere/report.json').stdout).toBe('0 0 0\n')
  })
})

describe('the commands', () => {
  test('explain themselves', () => {
    expect(run('scripts/quickstart', '--help').stdout).toContain('AXBRIDGE_DATA (.data)')
    expect(run('scripts/test', '--help').stdout).toContain('N passed, N failed')
  })

  test('refuse what they do not know before they do anything', () => {
    expect(run('scripts/quickstart', '--twice')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('unknown option --twice'),
    })
    expect(run('scripts/test', 'nonsense')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("no stage 'nonsense'"),
    })
    expect(run('scripts/setup', 'nonsense').status).toBe(1)
  })

  test('CI runs what a developer runs', () => {
    const text = run('cat', '.ci/run').stdout
    expect(text).toMatch(/^exec .*scripts\/test"$/m)
  })
})
