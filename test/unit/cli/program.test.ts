import { expect, test } from 'vitest'
import { DomainError } from '../../../src/domain/errors.ts'
import { cli } from './a-cli.ts'

const commands = [
  'serve',
  'migrate',
  'embedded',
  'bind',
  'bind add',
  'bind update',
  'bind remove',
  'bind bulk',
  'bind bulk-remove',
  'bind list',
  'bind get',
  'cdr',
  'cdr tail',
  'cdr list',
  'cdr get',
  'cdr dead',
  'cdr resend',
  'cdr replay',
  'doctor',
  'account',
  'account add',
  'account list',
  'account rename',
  'account suspend',
  'account resume',
  'token',
  'token add',
  'token list',
  'token revoke',
  'key',
  'key add',
  'key list',
  'key rotate',
  'key disable',
  'key enable',
  'key delete',
]

test.each(commands)('"axbridge %s --help" explains itself with an example', async (command) => {
  const { code, out, err } = await cli([...command.split(' '), '--help'])
  expect(code).toBe(0)
  expect(err).toBe('')
  expect(out).toContain(`Usage: axbridge ${command}`)
  expect(out).toMatch(/Examples?:\n {2}\S*\s?axbridge|Examples?:\n {2}[A-Z_]+=\S+ axbridge/)
})

test('--help lists every command, --version says which', async () => {
  const help = await cli(['--help'])
  expect(help.code).toBe(0)
  for (const name of ['serve', 'migrate', 'embedded', 'bind', 'cdr', 'doctor']) {
    expect(help.out).toMatch(new RegExp(`^ {2}${name} `, 'm'))
  }
  expect((await cli(['--version'])).out).toBe('1.2.3\n')
})

test.each([
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['serve', '--rolls', 'api'], "unknown option '--rolls'"],
  [['serve', '--roles', 'api,cook'], 'Roles are router, api, worker.'],
  [['embedded', '--sip-port', '70000'], 'A port is a whole number from 0 to 65535.'],
  [['bind', 'get'], "missing required argument 'id'"],
  [['bind', 'add', '--pool', 'FC1'], "required option '--a <number>' not specified"],
  [['bind', 'list', '--limit', '-5'], 'A whole number of at least 1.'],
  [['token', 'add', '--name', 'x', '--scopes', 'read,root'], 'Scopes are read, bind, numbers'],
  [
    ['token', 'add', '--name', 'x', '--scopes', 'read', '--per-minute', '0'],
    'A whole number from 1 to a million.',
  ],
  [['key', 'add', '--name', 'x'], "required option '--scopes <list>' not specified"],
  [['cdr', 'list', '--limit', '1000'], 'A whole number from 1 to 200.'],
])('%j is refused with what is wrong', async (args, reason) => {
  const { code, out, err } = await cli(args)
  expect(code).toBe(1)
  expect(out).toBe('')
  expect(err).toContain(reason)
  expect(err).not.toMatch(/\n\s+at /)
})

test('without a command the help is shown, and it is an error', async () => {
  const { code, err } = await cli([])
  expect(code).toBe(1)
  expect(err).toContain('Usage: axbridge')
})

test('an error is one line without a stack', async () => {
  for (const fault of [
    new TypeError('cannot read\n  properties'),
    new DomainError('database-away', 503, 'The database cannot be reached.'),
    'text',
  ]) {
    const { code, err } = await cli(['migrate', '--database-url', 'postgres://x'], {
      migrate: () => Promise.reject(fault),
    })
    expect(code).toBe(1)
    expect(err).toMatch(/^error: .+\n$/)
  }
})

test('what was typed is not repeated when it could be a number', async () => {
  for (const args of [
    ['bind', '13812340001'],
    ['bind', 'get', '1000000000000001', '+8613812340001'],
    ['serve', '--008613812340001'],
    ['bind', 'list', '--limit', '13812340001'],
  ]) {
    const { code, err } = await cli(args)
    expect(code).toBe(1)
    expect(err).not.toContain('13812340001')
  }
})
