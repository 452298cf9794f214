import { expect, test } from 'vitest'
import type { AddCertifier } from '../../../src/certification/certifier.ts'
import type { MigrateNumbers } from '../../../src/numbers/number-migration.ts'
import { anApi, holdsNoSecret, secrets } from './an-app.ts'
import { moveRooms } from './moves-and-certification.ts'

const pools = { fromPoolKey: 'FC100000000000001', toPoolKey: 'FC100000000000002' }

test('a migration is asked for by count or by list, and answers for each number', async () => {
  const asked: MigrateNumbers[] = []
  const { numberMigrations } = moveRooms()
  const { ask } = await anApi({
    rooms: {
      numberMigrations: {
        ...numberMigrations,
        run: (command) => {
          asked.push(command)
          return numberMigrations.run(command)
        },
      },
    },
  })
  const send = (payload: object, key = 'k') =>
    ask({
      method: 'POST',
      url: '/v1/number-migrations',
      headers: { 'idempotency-key': key },
      payload,
    })
  const answer = await send({ ...pools, numbers: ['17012345678', '+8617012345679'] })
  expect(answer.statusCode).toBe(201)
  expect(answer.headers['location']).toBe('/v1/number-migrations/1000000001')
  expect(answer.json()).toMatchObject({
    fromPoolName: 'Couriers',
    asked: 2,
    succeeded: 1,
    numbers: [{ result: 'moved' }, { result: 'bound', reason: expect.stringContaining('Unbind') }],
  })
  await send({ ...pools, count: 7, city: '杭州' })
  expect(asked).toMatchObject([
    {
      idempotencyKey: 'k',
      selection: { by: 'list', numbers: ['+8617012345678', '+8617012345679'] },
    },
    { selection: { by: 'count', count: 7, city: '杭州' } },
  ])
})

test.each([
  [{ ...pools }, 'body'],
  [{ ...pools, count: 1, numbers: ['17012345678'] }, 'body'],
  [{ ...pools, numbers: ['17012345678'], city: '杭州' }, 'body/city'],
  [{ ...pools, numbers: ['17012345678', 'x'.repeat(5)] }, 'body/numbers/1'],
  [{ ...pools, numbers: [] }, 'body/numbers'],
  [{ ...pools, numbers: Array(501).fill('17012345678') }, 'body/numbers'],
  [{ ...pools, count: 1001 }, 'body/count'],
  [{ ...pools, count: 1.5 }, 'body/count'],
])(
  'a migration that cannot be understood is refused by its place: %#',
  async (payload, pointer) => {
    const { ask } = await anApi()
    const answer = await ask({ method: 'POST', url: '/v1/number-migrations', payload })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors).toContainEqual(expect.objectContaining({ pointer }))
  },
)

test('runs and their numbers are pages, and CSV', async () => {
  const { ask } = await anApi()
  expect((await ask('/v1/number-migrations?x=17012345678&order=oldest')).json().items).toHaveLength(
    1,
  )
  const csv = await ask('/v1/number-migrations?format=csv')
  expect(csv.headers['content-type']).toContain('text/csv')
  expect(csv.body.split('\r\n')[0]).toBe(
    'id,createdAt,fromPoolKey,fromPoolName,toPoolKey,toPoolName,product,selectedBy,city,asked,succeeded',
  )
  const one = '/v1/number-migrations/1000000001'
  expect((await ask(one)).json()).toMatchObject({ toPoolName: 'Drivers', selectedBy: 'list' })
  const numbers = await ask(`${one}/numbers?format=csv`)
  expect(numbers.body).toContain('x,city,result,reason\r\n+8617012345678,杭州,moved,\r\n')
  expect((await ask('/v1/number-migrations/77')).statusCode).toBe(404)
  expect((await ask('/v1/number-migrations/0x1')).statusCode).toBe(400)
})

test('a certifier is made for a pool or for a list, and comes with a code', async () => {
  const asked: AddCertifier[] = []
  const { certification } = moveRooms()
  const { certifiers } = certification
  const { ask, notes } = await anApi({
    rooms: {
      certification: {
        ...certification,
        certifiers: {
          ...certifiers,
          add: (entry) => {
            asked.push(entry)
            return certifiers.add(entry)
          },
        },
      },
    },
  })
  const send = (payload: object) => ask({ method: 'POST', url: '/v1/certifiers', payload })
  const answer = await send({ phone: secrets.a, poolKey: 'FC100000000000001', remark: 'Legal' })
  expect(answer.statusCode).toBe(201)
  const { link, phone } = answer.json()
  expect(phone).toBe('138****0001')
  expect(link.svg).toContain('<svg')
  expect(Buffer.from(link.png, 'base64').subarray(1, 4).toString()).toBe('PNG')
  await send({ phone: secrets.a, numbers: ['17012345678'] })
  expect(asked.map(({ numbers }) => numbers)).toEqual([
    { of: 'pool', poolKey: 'FC100000000000001' },
    { of: 'list', numbers: ['+8617012345678'] },
  ])
  expect(holdsNoSecret(answer.body)).toBe(true)
  // The link is a key: it is in the answer and nowhere else.
  expect(JSON.stringify(notes)).not.toContain('certify/')
})

test.each([
  [{ phone: '12', poolKey: 'FC100000000000001' }, 'body/phone'],
  [{ phone: '13812340001' }, 'body'],
  [{ phone: '13812340001', poolKey: 'FC100000000000001', numbers: ['17012345678'] }, 'body'],
  [{ phone: '13812340001', numbers: ['x'] }, 'body/numbers/0'],
  [{ phone: '13812340001', numbers: Array(1001).fill('17012345678') }, 'body/numbers'],
])(
  'a certifier that cannot be understood is refused by its place: %#',
  async (payload, pointer) => {
    const { ask } = await anApi()
    const answer = await ask({ method: 'POST', url: '/v1/certifiers', payload })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors.map((each: { pointer: string }) => each.pointer)).toContainEqual(
      expect.stringMatching(new RegExp(`^${pointer}`)),
    )
    expect(holdsNoSecret(answer.body)).toBe(true)
  },
)

test('certifiers are listed, renewed, removed, and never show the phone', async () => {
  const { ask } = await anApi()
  const one = '/v1/certifiers/1000000001'
  const answers = [
    await ask('/v1/certifiers?check=waiting&certified=false&endingBefore=2030-01-31T00:00:00Z'),
    await ask('/v1/certifiers?format=csv'),
    await ask(one),
    await ask(`${one}/numbers`),
    await ask(`${one}/numbers?format=csv`),
    await ask({ method: 'POST', url: `${one}/links` }),
  ]
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200, 201])
  expect(answers.every(({ body }) => holdsNoSecret(body))).toBe(true)
  expect((await ask({ method: 'DELETE', url: one })).statusCode).toBe(204)
  expect((await ask('/v1/certifiers/77')).statusCode).toBe(404)
})

test('reading what a person filled in is noted before it is shown', async () => {
  const { ask, notes } = await anApi()
  const answer = await ask('/v1/certification-reviews/1000000001')
  expect(answer.json().person).toEqual({ phone: '138****0001', name: '张三', documentEnd: '123X' })
  expect(notes).toMatchObject([
    { action: 'getCertificationReview', subjects: ['review 1000000001'] },
  ])
  expect(JSON.stringify(notes)).not.toMatch(/张三|123X/)
  const list = await ask('/v1/certification-reviews?state=pending')
  expect(list.body).not.toMatch(/张三|123X/)
})

test('the operator decides, with a reason or an end', async () => {
  const { ask } = await anApi()
  const decide = (what: string, payload: object) =>
    ask({ method: 'POST', url: `/v1/certification-reviews/1000000001/${what}`, payload })
  expect((await decide('approve', {})).json()).toMatchObject({ state: 'approved' })
  const until = '2031-01-31T15:59:59Z'
  expect((await decide('approve', { validUntil: until })).json()).toMatchObject({
    validUntil: until,
  })
  expect((await decide('refuse', { reason: 'No.' })).json()).toMatchObject({ reason: 'No.' })
  expect((await decide('refuse', {})).statusCode).toBe(400)
  expect((await decide('approve', { validUntil: 'soon' })).statusCode).toBe(400)
})
