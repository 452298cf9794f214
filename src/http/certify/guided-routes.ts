import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { GuidedForm } from '../../certification/certifier.ts'
import type { GuidedCheck } from '../../certification/guided-check.ts'
import { DomainError } from '../../domain/errors.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import {
  type FormFaults,
  type FormView,
  formPage,
  notePage,
  onwardsPage,
  type PageView,
  pagePolicy,
  viewPage,
} from './guided-page.ts'
import { type Words, wordsFor } from './words.ts'

/** An honest form is a few hundred bytes. */
const formBytesMax = 4 * 1024
/** Per address. A person needs three; several may sit behind one address. */
const requestsPerMinuteMax = 60

type GuidedDeps = { guided: GuidedCheck; parser: NumberParser }
type TokenParams = { Params: { token: string } }

/**
 * What the QR code of a certifier opens: for people without an account here, on their phones, so
 * everything is HTML, faults too. Nothing it answers tells a token that never was from one that is
 * no longer good.
 */
export const guidedRoutes: FastifyPluginAsync<GuidedDeps> = async (app, { guided, parser }) => {
  const route = {
    config: {
      access: 'open',
      rateLimit: { max: requestsPerMinuteMax, timeWindow: 60_000 },
    },
    schema: { hide: true },
  } as const

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formBytesMax },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  )
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('content-security-policy', pagePolicy)
    reply.header('x-robots-tag', 'noindex, nofollow')
  })
  app.setErrorHandler(async (error, request, reply) => failurePage(error, request, reply))

  async function open(token: string): Promise<PageView | undefined> {
    const view = await guided.open(token)
    if (view?.state !== 'form') return view
    return { ...view, someNumbers: view.someNumbers.map((x) => parser.national(x)) }
  }

  app.get<TokenParams>('/certify/:token', route, async (request, reply) => {
    const words = wordsOf(request)
    const view = await open(request.params.token)
    if (view === undefined) return closedPage(reply, words)
    return page(reply, 200, viewPage(view, words))
  })

  app.post<TokenParams>('/certify/:token', route, async (request, reply) => {
    const words = wordsOf(request)
    const { token } = request.params
    const view = await open(token)
    if (view === undefined) return closedPage(reply, words)
    if (view.state !== 'form') return backTo(reply, token)
    const sent = fieldsOf(request.body)
    const { faults, form } = readForm(sent, { parser, words })
    if (form === undefined) return formAgain(reply, words, { view, faults, name: sent.name })

    const outcome = await guided.submit(token, form)
    if (outcome.result === 'closed') return closedPage(reply, words)
    if (outcome.result === 'wrong-phone') {
      const wrong = { phone: words.faults.wrongPhone(outcome.triesLeft) }
      return formAgain(reply, words, { view, faults: wrong, name: sent.name })
    }
    if (outcome.continueAt === undefined) return backTo(reply, token)
    return page(reply, 200, onwardsPage(outcome.continueAt, words))
  })
}

type Sent = { phone: string; name: string; document: string; consent: boolean }

function fieldsOf(body: unknown): Sent {
  const given = body instanceof URLSearchParams ? body : new URLSearchParams()
  const text = (name: string) => (given.get(name) ?? '').normalize('NFKC').trim()
  return {
    phone: text('phone'),
    name: text('name').replace(/\s+/g, ' '),
    document: text('document').toUpperCase(),
    consent: given.get('consent') === 'yes',
  }
}

const namePattern = /^\p{L}[\p{L}\p{M} .·•'’-]{0,39}$/u
const documentPattern = /^[0-9A-Z]{4}$/

function readForm(
  sent: Sent,
  { parser, words }: { parser: NumberParser; words: Words },
): { faults: FormFaults; form: GuidedForm | undefined } {
  const phone = parser.real(sent.phone)
  const faults: FormFaults = {
    ...(phone === undefined ? { phone: words.faults.phone } : {}),
    ...(namePattern.test(sent.name) ? {} : { name: words.faults.name }),
    ...(documentPattern.test(sent.document) ? {} : { document: words.faults.document }),
    ...(sent.consent ? {} : { consent: words.faults.consent }),
  }
  if (phone === undefined || Object.keys(faults).length > 0) return { faults, form: undefined }
  return { faults, form: { phone, name: sent.name, documentEnd: sent.document } }
}

function wordsOf(request: FastifyRequest): Words {
  return wordsFor(request.headers['accept-language'])
}

function page(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(text)
}

function closedPage(reply: FastifyReply, words: Words): FastifyReply {
  return page(reply, 404, notePage(words, words.closed))
}

function formAgain(
  reply: FastifyReply,
  words: Words,
  given: { view: FormView; faults: FormFaults; name: string },
): FastifyReply {
  return page(reply, 422, formPage(given.view, words, given))
}

/** So that reloading does not send it again. Relative: a proxy may have put us below a path of its own. */
function backTo(reply: FastifyReply, token: string): FastifyReply {
  return reply
    .code(303)
    .header('location', `./${encodeURIComponent(token)}`)
    .send()
}

function failurePage(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const words = wordsOf(request)
  const status = statusOf(error)
  if (status === 500) request.log.error({ err: error }, 'certification page failed')
  const note = status === 429 ? words.tooMany : words.failed
  return page(reply, status, notePage(words, note))
}

function statusOf(error: unknown): number {
  if (error instanceof DomainError) return error.httpStatus
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  return status >= 400 && status < 500 ? status : 500
}
