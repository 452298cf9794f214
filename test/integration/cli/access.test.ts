import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import { cli } from '../../unit/cli/a-cli.ts'

/** The command line on the running engine: an account from its beginning to its suspension. */
let engine: ApiEngine

beforeAll(async () => {
  engine = await startApiEngine()
})

afterAll(() => engine.stop())

async function axbridge(line: string, token = engine.adminToken) {
  const env = { AXBRIDGE_API: engine.base, AXBRIDGE_TOKEN: token, AXBRIDGE_DATA: '/nowhere' }
  return cli(line.split(' '), { env, fetch })
}

async function json(line: string, token?: string): Promise<Record<string, unknown>> {
  const { code, out, err } = await axbridge(`${line} --json`, token)
  expect(err).toBe('')
  expect(code).toBe(0)
  return JSON.parse(out) as Record<string, unknown>
}

test('an operator makes an account, which makes tokens and keys of its own', async () => {
  await json('account add couriers --name Couriers')
  const first = await json('token add --account couriers --name all --scopes all')
  const all = String(first['token'])
  const small = await json('token add --name reader --scopes read --for 1h --per-minute 60', all)
  expect(small).toMatchObject({ accountId: 'couriers', scopes: ['read'], requestsPerMinute: 60 })

  const listed = await axbridge('token list', all)
  expect(listed.out).toContain(`${small['id']}`)
  const denied = await axbridge('token list', String(small['token']))
  expect(denied.err).toBe('error: This needs a token with the scope "admin". (scope-missing)\n')
  const foreign = await axbridge('account list', all)
  expect(foreign.err).toContain('(operator-only)')

  await json(`token revoke ${small['id']}`, all)
  const revoked = await axbridge('bind list', String(small['token']))
  expect(revoked.err).toContain('(token-unknown)')
})

test('keys are made, rotated, disabled and deleted', async () => {
  const made = await json('key add --account couriers --name orders --scopes bind')
  const id = String(made['id'])
  const rotated = await json(`key rotate ${id} --account couriers --keep 1h`)
  expect(rotated['secret']).not.toBe(made['secret'])
  expect(rotated['oldSecretUntil']).toBeDefined()
  expect(await json(`key disable ${id} --account couriers`)).toMatchObject({ enabled: false })
  expect((await axbridge('key list --account couriers')).out).toMatch(/disabled/)
  expect(await json(`key enable ${id} --account couriers`)).toMatchObject({ enabled: true })
  await json(`key delete ${id} --account couriers`)
  expect((await axbridge(`key enable ${id} --account couriers`)).err).toContain(
    '(access-key-unknown)',
  )
})

test('a suspended account is out until it is resumed', async () => {
  const made = await json('token add --account couriers --name one --scopes read')
  const token = String(made['token'])
  expect((await axbridge('bind list', token)).code).toBe(0)
  await json('account suspend couriers')
  expect((await axbridge('bind list', token)).err).toContain('(account-suspended)')
  await json('account resume couriers')
  expect((await axbridge('bind list', token)).code).toBe(0)
  expect(await json('account rename couriers --name Riders')).toMatchObject({ name: 'Riders' })
  expect((await axbridge('account suspend main')).err).toContain('(account-operates)')
})
