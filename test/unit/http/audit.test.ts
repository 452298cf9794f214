import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import type { Binding } from '../../../src/bindings/binding.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import { aBinding, aCall, anApi, holdsNoSecret, secrets, token } from './an-app.ts'
import { aGroup } from './some-pools.ts'

const aBind = {
  poolKey: 'FC100000000000001',
  phoneA: secrets.a,
  phoneB: secrets.b,
  expiresAt: '2030-01-31T23:59:59+08:00',
}
const bind = { method: 'POST', url: '/v1/bindings', payload: aBind } as const

test('a change is noted before it is tried, and its outcome after it', async () => {
  const { ask, notes } = await anApi()
  const answer = await ask(bind)
  expect(answer.statusCode).toBe(201)
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  const who = {
    accountId: 'main',
    actor: 'admin',
    action: 'createBinding',
    requestId: answer.headers['x-request-id'],
    address: '127.0.0.1',
  }
  expect(notes[0]).toEqual({ ...who, subjects: [] })
  const { id, x } = aBinding()
  expect(notes[1]).toEqual({ ...who, status: 201, subjects: [id, x] })
})

test('a change that cannot be noted is not made', async () => {
  const away = new DomainError('database-away', 503, 'It is away.')
  const { commands, ask } = await anApi({
    rooms: { audit: { begin: () => Promise.reject(away) } as never },
  })
  expect((await ask(bind)).statusCode).toBe(503)
  expect(commands).toEqual([])
})

test('who leaves before the answer does not change what is noted of it', async () => {
  let finish = (_bound: Binding) => {}
  const binding = new Promise<Binding>((resolve) => {
    finish = resolve
  })
  const { app, notes } = await anApi({ rooms: { bindings: { bind: () => binding } as never } })
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const body = JSON.stringify(aBind)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(
    `POST /v1/bindings HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await vi.waitFor(() => expect(notes).toHaveLength(1))
  const connections = () =>
    new Promise<number>((resolve) => app.server.getConnections((_err, open) => resolve(open)))
  socket.destroy()
  await vi.waitFor(async () => expect(await connections()).toBe(0))
  expect(notes).toHaveLength(1)
  finish(aBinding())
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  expect(notes[1]).toMatchObject({ status: 201, subjects: [aBinding().id, aBinding().x] })
})

test('what was refused is noted with its status; what was not understood is not', async () => {
  const { ask, notes } = await anApi()
  await ask({ method: 'DELETE', url: '/v1/bindings/1000000000000009' })
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  expect(notes[1]).toMatchObject({ status: 404, subjects: ['1000000000000009'] })
  await ask({ ...bind, payload: {} })
  expect(notes).toHaveLength(2)
})

test('looking is not noted, nor asking for a price', async () => {
  const { ask, notes } = await anApi()
  await ask('/v1/bindings')
  const wish = { poolKey: 'FC100000000000001', class: 1, city: '杭州', quantity: 1 }
  await ask({ method: 'POST', url: '/v1/orders/quote', payload: wish })
  expect(notes).toEqual([])
})

test('a search by number is noted with what it found, without the number', async () => {
  const { ask, notes } = await anApi()
  await ask({ method: 'POST', url: '/v1/bindings/search', payload: { phone: secrets.a } })
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  expect(notes[1]).toMatchObject({
    action: 'searchBindings',
    subjects: [aBinding().id, aBinding().x],
  })
  expect(holdsNoSecret(JSON.stringify(notes))).toBe(true)
})

test('a real number that was typed where an X belongs is not noted', async () => {
  const { ask, notes } = await anApi({
    rooms: {
      numbers: {
        lock: () => Promise.reject(new DomainError('number-unknown', 404, 'There is none.')),
      } as never,
    },
  })
  await ask({ method: 'POST', url: `/v1/numbers/${secrets.a.slice(3)}/lock` })
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  expect(notes.map((each) => each.subjects)).toEqual([[], []])
})

test('an X that was locked is noted as E.164, however it was asked for', async () => {
  const { ask, notes } = await anApi()
  await ask({ method: 'DELETE', url: '/v1/numbers/17012345678' })
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  expect(notes[1]).toMatchObject({ status: 204, subjects: ['+8617012345678'] })
})

test('a group that was removed is noted by its id, which could be a number before', async () => {
  const { ask, notes } = await anApi()
  const { id, poolKey } = aGroup()
  await ask({ method: 'DELETE', url: `/v1/pools/${poolKey}/groups/${id}` })
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  expect(notes.map((each) => each.subjects)).toEqual([[poolKey], [poolKey, id]])
})

test('of a bulk every binding is noted', async () => {
  const { ask, notes } = await anApi()
  const items = [{ id: '1000000000000001' }, { id: '1000000000000002' }]
  await ask({ method: 'POST', url: '/v1/bindings/bulk-unbind', payload: { items } })
  await vi.waitFor(() => expect(notes).toHaveLength(2))
  expect(notes[0]?.subjects).toEqual(items.map(({ id }) => id))
})

test.each([
  [`/v1/bindings/${aBinding().id}/numbers`, 'revealBinding', ['phoneA', 'phoneB']],
  [`/v1/calls/${aCall().callId}/numbers`, 'revealCall', ['caller', 'callee']],
])('GET %s shows real numbers in full once it is noted', async (url, action, fields) => {
  const { ask, notes, lines } = await anApi()
  const answer = await ask(url)
  expect(answer.statusCode).toBe(200)
  expect(fields.map((field) => answer.json()[field])).toEqual([secrets.a, secrets.b])
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(notes).toMatchObject([{ action, status: 200, actor: 'admin' }])
  expect(JSON.stringify(notes)).not.toContain(secrets.a)
  expect(lines.join('')).not.toContain(secrets.a.slice(3))
})

test('the numbers of a group are shown in full once it is noted', async () => {
  const { ask, notes } = await anApi()
  const { id, poolKey } = aGroup()
  const answer = await ask(`/v1/pools/${poolKey}/groups/${id}/numbers`)
  expect(answer.json().items).toMatchObject([{ number: secrets.a }])
  expect(notes).toMatchObject([{ action: 'revealGroup', status: 200, subjects: [poolKey, id] }])
})

test('what cannot be noted is not shown', async () => {
  const away = new DomainError('database-away', 503, 'It is away.')
  const { ask } = await anApi({
    rooms: { audit: { record: () => Promise.reject(away) } as never },
  })
  for (const path of [`bindings/${aBinding().id}`, `calls/${aCall().callId}`]) {
    const answer = await ask(`/v1/${path}/numbers`)
    expect(answer.statusCode).toBe(503)
    expect(answer.body).not.toContain('138')
  }
})

test('what is not there is not revealed, and not noted', async () => {
  const { ask, notes } = await anApi()
  expect((await ask('/v1/bindings/1000000000000009/numbers')).statusCode).toBe(404)
  const unknown = await ask('/v1/calls/0b8f3c1e-7f0e-4f6f-9d5c-000000000000/numbers')
  expect(unknown.json()).toMatchObject({ code: 'call-unknown' })
  expect((await ask('/v1/bindings/9999999999999999/numbers')).statusCode).toBe(404)
  expect(notes).toEqual([])
})
