import { createHash } from 'node:crypto'
import { type FastifyInstance, fastify, type InjectOptions } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GuidedForm, GuidedView, SubmitOutcome } from '../../../src/certification/certifier.ts'
import type { GuidedCheck } from '../../../src/certification/guided-check.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import { guidedRoutes } from '../../../src/http/certify/guided-routes.ts'
import { addSecurityHeaders } from '../../../src/http/security-headers.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { anApi, holdsNoSecret, secrets } from './an-app.ts'
import { aForm, aLinkToken, moveRooms } from './moves-and-certification.ts'

const page = `/certify/${aLinkToken}`
const honest = { phone: '13812340001', name: '王 小明', document: '123x', consent: 'yes' }

type Given = {
  view?: GuidedView
  outcome?: SubmitOutcome
  forms?: GuidedForm[]
  failure?: Error
}

/** The usual page is built once: that takes a while. What it shows is changed from test to test. */
const shown: { given: Given } = { given: {} }
let app: FastifyInstance

const guided: GuidedCheck = {
  open: async (token) => (token === aLinkToken ? (shown.given.view ?? aForm()) : undefined),
  async submit(_token, form) {
    const { forms, failure, outcome } = shown.given
    forms?.push(form)
    if (failure !== undefined) throw failure
    return outcome ?? { result: 'accepted', continueAt: undefined }
  },
}

beforeAll(async () => {
  app = fastify()
  addSecurityHeaders(app)
  await app.register(guidedRoutes, { guided, parser: createNumberParser({ country: 'CN' }) })
})
afterAll(async () => {
  await app.close()
})

/** Like a phone: without a token of the API. */
function onPage(app: FastifyInstance) {
  const send = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: page,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: new URLSearchParams(fields).toString(),
    })
  return { ask: (options: InjectOptions | string) => app.inject(options), send }
}

function aPage(given: Given = {}) {
  const forms: GuidedForm[] = []
  shown.given = { ...given, forms }
  return { ...onPage(app), forms }
}

/** With all that stands around it in the server: log, audit, limits. */
async function aServer(given: Given = {}) {
  const forms: GuidedForm[] = []
  shown.given = { ...given, forms }
  const { certification } = moveRooms()
  const api = await anApi({ rooms: { certification: { ...certification, guided } } })
  return { ...api, ...onPage(api.app), forms }
}

test('the page says what it is for, in the language of the phone, and works without a script', async () => {
  const { ask } = aPage({
    view: { ...aForm(), accountName: 'A & B <Ltd>', numbers: 7 },
  })
  const answer = await ask(page)
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(answer.body).toContain('lang="zh-CN"')
  expect(answer.body).toContain('A &amp; B &lt;Ltd&gt;')
  expect(answer.body).toContain('<li>17012345678</li>')
  expect(answer.body).toContain('以及另外 6 个号码')
  expect(answer.body).toContain('width=device-width')
  expect(answer.body).not.toMatch(/<script|javascript:|\son\w+=|https?:\/\//i)
  const english = await ask({
    url: page,
    headers: { 'accept-language': 'en-GB,en;q=0.9,zh;q=0.8' },
  })
  expect(english.body).toContain('and 6 more')
  const neither = await ask({ url: page, headers: { 'accept-language': 'fr, de' } })
  expect(neither.body).toContain('lang="zh-CN"')
})

test('nothing on it may be run, framed, kept, indexed or passed on', async () => {
  const { ask } = aPage()
  const { headers, body } = await ask(page)
  const style = /<style>([\s\S]*)<\/style>/.exec(body)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  expect(headers['content-security-policy']).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  )
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-robots-tag': 'noindex, nofollow',
  })
  expect(headers['set-cookie']).toBeUndefined()
})

test('an honest form is handed on as it is meant, and reloading does not send it again', async () => {
  const { send, forms, notes } = await aServer()
  const answer = await send({ ...honest, name: '  王   小明 ', phone: '+86 138 1234 0001' })
  expect(answer.statusCode).toBe(303)
  expect(answer.headers['location']).toBe(`./${aLinkToken}`)
  expect(forms).toMatchObject([{ name: '王 小明', documentEnd: '123X' }])
  expect(forms[0]?.phone.reveal()).toBe(secrets.a)
  // Whoever it is, it is nobody with a token: nothing for the audit log of an account.
  expect(notes).toEqual([])
})

test.each([
  ['phone', { phone: '12' }, '这不是有效的电话号码'],
  ['phone', { phone: '' }, '这不是有效的电话号码'],
  ['name', { name: '' }, '请填写姓名'],
  ['name', { name: '<img src=x>' }, '请填写姓名'],
  ['name', { name: '13812340001' }, '请填写姓名'],
  ['name', { name: '王'.repeat(41) }, '请填写姓名'],
  ['document', { document: '12' }, '最后四位'],
  ['document', { document: '330102199001011234' }, '最后四位'],
  ['consent', { consent: '' }, '需要您同意'],
])('a form without a usable %s comes back, with what to do', async (field, wrong, words) => {
  const { send, forms } = aPage()
  const answer = await send({ ...honest, ...wrong })
  expect(answer.statusCode).toBe(422)
  expect(answer.body).toContain(words)
  expect(answer.body).toContain('role="alert"')
  expect(answer.body).toContain(`aria-describedby="${field}-fault`)
  expect(forms).toEqual([])
})

test('what was typed comes back escaped, and phone and document not at all', async () => {
  const { send } = aPage()
  const answer = await send({ ...honest, name: '"><script>alert(1)</script>', document: '9Z9Z9' })
  expect(answer.body).toContain('value="&quot;&gt;&lt;script&gt;')
  expect(answer.body).not.toContain('<script')
  expect(answer.body).not.toContain('9Z9Z9')
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test('a wrong phone is told with the tries that are left', async () => {
  const { send } = aPage({ outcome: { result: 'wrong-phone', triesLeft: 2 } })
  const answer = await send(honest, { 'accept-language': 'en' })
  expect(answer.statusCode).toBe(422)
  expect(answer.body).toContain('2 tries are left')
  expect(holdsNoSecret(answer.body)).toBe(true)
})

test.each([
  [{ state: 'submitted' }, '正在核验'],
  [{ state: 'approved' }, '认证已通过'],
  [{ state: 'refused', reason: 'A <b>reason</b>.' }, 'A &lt;b&gt;reason&lt;/b&gt;.'],
] as const)('%j is shown, and is not filled in again', async (view, words) => {
  const { ask, send, forms } = aPage({ view })
  const answer = await ask(page)
  expect(answer.statusCode).toBe(200)
  expect(answer.body).toContain(words)
  expect(answer.body).not.toContain('<form')
  expect((await send(honest)).statusCode).toBe(303)
  expect(forms).toEqual([])
})

test('a provider with pages of its own is a link that tells it nothing', async () => {
  const continueAt = 'https://identity.example.com/go?a=1&b="2"'
  const { send } = aPage({ outcome: { result: 'accepted', continueAt } })
  const answer = await send(honest)
  expect(answer.statusCode).toBe(200)
  expect(answer.body).toContain('href="https://identity.example.com/go?a=1&amp;b=&quot;2&quot;"')
  expect(answer.body).toContain('rel="noreferrer"')
})

test('every link that is not good gets the same answer', async () => {
  const { ask, send } = aPage({ outcome: { result: 'closed' } })
  const wrong = ['x', 'Z'.repeat(43), `${aLinkToken}L`, '%00', '..%2f..%2fv1', `${'9'.repeat(90)}`]
  const bodies = new Set<string>()
  for (const token of wrong) {
    const answers = [
      await ask(`/certify/${token}`),
      await ask({
        method: 'POST',
        url: `/certify/${token}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams(honest).toString(),
      }),
    ]
    for (const { statusCode, body } of answers) {
      expect(statusCode, token).toBe(404)
      bodies.add(body)
    }
  }
  bodies.add((await send(honest)).body)
  expect(bodies.size).toBe(1)
  expect([...bodies][0]).toContain('二维码已失效')
})

test('what is no form, or too large a one, is refused with a page', async () => {
  const { ask, send, forms } = aPage()
  const json = await ask({ method: 'POST', url: page, payload: honest })
  expect(json.statusCode).toBe(415)
  const large = await send({ ...honest, name: 'x'.repeat(5000) })
  expect(large.statusCode).toBe(413)
  const none = await ask({ method: 'POST', url: page })
  expect(none.statusCode).toBe(422)
  const twice = await ask({
    method: 'POST',
    url: page,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `${new URLSearchParams(honest)}&document[]=1&__proto__=x&constructor=y`,
  })
  expect(twice.statusCode).toBe(303)
  for (const { headers } of [json, large, none]) {
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
  }
  expect(forms).toHaveLength(1)
})

test('a fault is a page too, and nothing of the person or the link gets into the log', async () => {
  const away = await aServer({
    failure: new DomainError('database-away', 503, 'The database cannot be reached.'),
  })
  const answer = await away.send(honest)
  expect(answer.statusCode).toBe(503)
  expect(answer.body).toContain('暂时无法处理')
  const broken = await aServer({ failure: new Error('a bug') })
  expect((await broken.send(honest)).statusCode).toBe(500)
  const log = [...away.lines, ...broken.lines].join('')
  expect(log).toContain('certification page failed')
  expect(log).not.toContain(aLinkToken)
  expect(log).not.toMatch(/王|小明|123X/i)
  expect(holdsNoSecret(log)).toBe(true)
})

test('one address cannot ask without end', async () => {
  const { ask } = await aServer()
  const answers = []
  for (let at = 0; at < 61; at += 1) answers.push(await ask(page))
  const last = answers.at(-1)
  expect(answers.slice(0, 60).every(({ statusCode }) => statusCode === 200)).toBe(true)
  expect(last?.statusCode).toBe(429)
  expect(last?.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(last?.body).toContain('请稍后再试')
  const elsewhere = await ask({ url: page, remoteAddress: '203.0.113.9' })
  expect(elsewhere.statusCode).toBe(200)
})

test('the page is for people: it is not in the API document', async () => {
  const { ask } = await aServer()
  const { paths } = (await ask('/docs/json')).json<{ paths: Record<string, unknown> }>()
  expect(Object.keys(paths).filter((path) => path.startsWith('/certify'))).toEqual([])
})
