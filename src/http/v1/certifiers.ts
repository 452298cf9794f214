import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type {
  CertificationLink,
  Certifier,
  CertifierNumber,
  NumbersToCertify,
} from '../../certification/certifier.ts'
import type { Certifiers } from '../../certification/certifiers.ts'
import type { CertifierId, PoolKey } from '../../domain/ids.ts'
import type { PhoneNumber } from '../../domain/phone-number.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { principalOf } from '../auth.ts'
import { qrCodeOf } from '../certify/qr-code.ts'
import { csvQuery, pageOrCsv } from '../csv.ts'
import { problems, RequestRefused } from '../problem.ts'
import { sendList } from './send-list.ts'
import {
  closed,
  compact,
  lineOfText,
  maskedNumberShape,
  pageOf,
  pageQuery,
  poolKeyShape,
  realNumberShape,
  timeShape,
  timeText,
  virtualIn,
  virtualNumberShape,
  virtualsIn,
} from './shapes.ts'

const idShape = Type.String({
  pattern: '^[1-9]\\d{0,14}$',
  description: 'Id of a certifier.',
  examples: ['1000000001'],
})
const remarkShape = lineOfText(50, { description: 'For you.', examples: ['Legal department'] })
const checkShape = Type.Enum(['waiting', 'submitted', 'approved', 'refused'], {
  description:
    'Of the newest link: not filled in yet; filled in and being checked; the outcome of the check.',
})
const certifiedShape = Type.Boolean({ description: 'A certification stands now.' })

const CertifierRequest = Type.Object(
  {
    phone: realNumberShape,
    remark: Type.Optional(remarkShape),
    poolKey: Type.Optional({
      ...poolKeyShape,
      description: 'Those numbers of this pool that are not certified; this or `numbers`.',
    }),
    numbers: Type.Optional(
      Type.Array(virtualNumberShape, {
        minItems: 1,
        maxItems: 1000,
        description: 'These numbers; this or `poolKey`.',
      }),
    ),
  },
  {
    ...closed,
    examples: [
      { phone: '13800000001', remark: 'Legal department', poolKey: 'FC100000000000001' },
      { phone: '13800000001', numbers: ['+8617000000001', '+8617000000002'] },
    ],
  },
)

const certifierFields = {
  id: idShape,
  phone: maskedNumberShape,
  remark: Type.Optional(remarkShape),
  poolKey: Type.Optional(poolKeyShape),
  numbers: Type.Integer({ description: 'X numbers that it was made for.', examples: [2] }),
  check: checkShape,
  refusal: Type.Optional(Type.String({ description: 'Why the check was refused.' })),
  linkExpiresAt: Type.Optional({ ...timeShape, description: 'Absent: no link is out.' }),
  submittedAt: Type.Optional(timeShape),
  decidedAt: Type.Optional(timeShape),
  certified: certifiedShape,
  certifiedUntil: Type.Optional({
    ...timeShape,
    description: 'Absent: without end, or never certified.',
  }),
  createdAt: timeShape,
}

const certifierExample = {
  id: '1000000001',
  phone: '138****0001',
  remark: 'Legal department',
  poolKey: 'FC100000000000001',
  numbers: 2,
  check: 'waiting',
  linkExpiresAt: '2030-03-01T02:00:00Z',
  certified: false,
  createdAt: '2030-01-30T02:00:00Z',
}

const LinkShape = Type.Object({
  url: Type.String({
    description:
      'What the QR code says. Whoever has it can fill in the page: it is shown only now.',
    examples: ['https://privacy.example.com/certify/5wbEhPNBKcGGbBeaXDuZn2cDuFAbmMgBnQ6XxXhZC7k'],
  }),
  expiresAt: timeShape,
  svg: Type.String({ description: 'The QR code as an SVG document.' }),
  png: Type.String({ description: 'The QR code as PNG, base64.' }),
})

const linkExample = {
  url: 'https://privacy.example.com/certify/5wbEhPNBKcGGbBeaXDuZn2cDuFAbmMgBnQ6XxXhZC7k',
  expiresAt: '2030-03-01T02:00:00Z',
  svg: '<svg xmlns="http://www.w3.org/2000/svg"/>',
  png: 'iVBORw0KGgo=',
}

const CertifierAnswer = Type.Object(certifierFields, { examples: [certifierExample] })
const CertifierWithLink = Type.Object(
  { ...certifierFields, link: LinkShape },
  { examples: [{ ...certifierExample, link: linkExample }] },
)

const NumberAnswer = Type.Object(
  {
    x: virtualNumberShape,
    poolKey: poolKeyShape,
    city: Type.Optional(lineOfText(32, { description: 'Where it belongs.', examples: ['杭州'] })),
    certified: Type.Boolean({ description: 'By this certifier or another.' }),
  },
  {
    examples: [
      { x: '+8617000000001', poolKey: 'FC100000000000001', city: '杭州', certified: true },
    ],
  },
)

const CertifierQuery = Type.Object(
  {
    poolKey: Type.Optional(poolKeyShape),
    x: Type.Optional(virtualNumberShape),
    check: Type.Optional(checkShape),
    certified: Type.Optional(certifiedShape),
    endingBefore: Type.Optional({
      ...timeShape,
      description: 'Only certifications that stand and run out before then.',
    }),
    ...pageQuery,
    ...csvQuery,
  },
  closed,
)

const NumberQuery = Type.Object(
  { certified: Type.Optional(certifiedShape), ...pageQuery, ...csvQuery },
  closed,
)

const certifierColumns = Object.keys(certifierFields) as (keyof typeof certifierFields)[]
const numberColumns = ['x', 'poolKey', 'city', 'certified'] as const
const params = Type.Object({ id: idShape })

type CertifierDeps = { certifiers: Omit<Certifiers, 'ending'>; parser: NumberParser }
type App = Parameters<FastifyPluginAsyncTypebox>[0]

export const certifierRoutes: FastifyPluginAsyncTypebox<CertifierDeps> = async (app, deps) => {
  const { certifiers, parser } = deps
  app.post(
    '/certifiers',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'createCertifier',
        summary: 'Name a person who stands for X numbers, and get the QR code for them',
        description:
          'The code opens a page that the person fills in within 30 days. Numbers that come into the pool later are not certified by it.',
        tags: ['certification'],
        body: CertifierRequest,
        response: { 201: CertifierWithLink, ...problems(400, 404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const { certifier, link } = await certifiers.add({
        accountId,
        phone: phoneIn(request.body.phone, parser),
        remark: request.body.remark,
        numbers: numbersOf(request.body, parser),
      })
      reply.header('location', `/v1/certifiers/${certifier.id}`)
      return reply.code(201).send({ ...answerOf(certifier), link: await linkAnswer(link) })
    },
  )

  addListRoutes(app, deps)
  addSingleRoutes(app, deps)
}

function addListRoutes(app: App, { certifiers, parser }: CertifierDeps): void {
  app.get(
    '/certifiers',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listCertifiers',
        summary: 'People who stand for X numbers, newest first',
        tags: ['certification'],
        querystring: CertifierQuery,
        response: {
          200: pageOrCsv(pageOf(CertifierAnswer), certifierColumns),
          ...problems(400, 422),
        },
      },
    },
    async (request, reply) => {
      const { poolKey, x, check, certified, endingBefore } = request.query
      const filter = {
        accountId: principalOf(request).accountId,
        poolKey: poolKey as PoolKey | undefined,
        x: x === undefined ? undefined : virtualIn('querystring/x', x, parser),
        check,
        certified,
        endingBefore: endingBefore === undefined ? undefined : new Date(endingBefore),
      }
      return sendList(request, reply, {
        name: 'certifiers',
        columns: certifierColumns,
        list: (part) => certifiers.list({ ...filter, ...part }),
        answer: answerOf,
      })
    },
  )

  app.get(
    '/certifiers/:id/numbers',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'listCertifierNumbers',
        summary: 'X numbers that a person stands for',
        tags: ['certification'],
        params,
        querystring: NumberQuery,
        response: {
          200: pageOrCsv(pageOf(NumberAnswer), numberColumns),
          ...problems(400, 404, 422),
        },
      },
    },
    async (request, reply) => {
      const { certified } = request.query
      const { accountId } = principalOf(request)
      const id = request.params.id as CertifierId
      return sendList(request, reply, {
        name: `certifier-${id}`,
        columns: numberColumns,
        list: (part) => certifiers.numbers({ accountId, id, certified, ...part }),
        answer: numberAnswer,
      })
    },
  )
}

function addSingleRoutes(app: App, { certifiers }: CertifierDeps): void {
  app.get(
    '/certifiers/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getCertifier',
        summary: 'One person who stands for X numbers',
        tags: ['certification'],
        params,
        response: { 200: CertifierAnswer, ...problems(400, 404) },
      },
    },
    async (request) => {
      const { accountId } = principalOf(request)
      return answerOf(await certifiers.get(accountId, request.params.id as CertifierId))
    },
  )

  app.post(
    '/certifiers/:id/links',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'renewCertifierLink',
        summary: 'A new QR code for the same numbers; the one before is void',
        description:
          'Also to be certified again: what stands stays until the new check is through.',
        tags: ['certification'],
        params,
        response: { 201: CertifierWithLink, ...problems(400, 404, 409) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      const id = request.params.id as CertifierId
      const { certifier, link } = await certifiers.renewLink(accountId, id)
      return reply.code(201).send({ ...answerOf(certifier), link: await linkAnswer(link) })
    },
  )

  app.delete(
    '/certifiers/:id',
    {
      config: { scope: 'numbers' },
      schema: {
        operationId: 'deleteCertifier',
        summary: 'Remove a person, and all that is known of them',
        description: 'Numbers for which nobody else stands are not certified any more.',
        tags: ['certification'],
        params,
        response: { 204: Type.Null({ description: 'It is gone.' }), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const { accountId } = principalOf(request)
      await certifiers.remove(accountId, request.params.id as CertifierId)
      return reply.code(204).send(null)
    },
  )
}

function phoneIn(text: string, parser: NumberParser): PhoneNumber {
  const phone = parser.real(text)
  if (phone !== undefined) return phone
  throw new RequestRefused(
    [{ pointer: 'body/phone', detail: 'is not a phone number; give it national or as E.164' }],
    { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' },
  )
}

function numbersOf(
  { poolKey, numbers }: Static<typeof CertifierRequest>,
  parser: NumberParser,
): NumbersToCertify {
  if (poolKey !== undefined && numbers === undefined) {
    return { of: 'pool', poolKey: poolKey as PoolKey }
  }
  if (numbers === undefined || poolKey !== undefined) {
    throw new RequestRefused([{ pointer: 'body', detail: 'must have either poolKey or numbers' }])
  }
  return { of: 'list', numbers: virtualsIn('body/numbers', numbers, parser) }
}

async function linkAnswer({ url, expiresAt }: CertificationLink) {
  return { url, expiresAt: timeText(expiresAt), ...(await qrCodeOf(url)) }
}

const optionalTime = (time: Date | undefined) => (time === undefined ? undefined : timeText(time))

function answerOf(certifier: Certifier): Static<typeof CertifierAnswer> {
  return compact({
    id: certifier.id as string,
    phone: certifier.phone.toString(),
    remark: certifier.remark,
    poolKey: certifier.poolKey as string | undefined,
    numbers: certifier.numbers,
    check: certifier.check,
    refusal: certifier.refusal,
    linkExpiresAt: optionalTime(certifier.linkExpiresAt),
    submittedAt: optionalTime(certifier.submittedAt),
    decidedAt: optionalTime(certifier.decidedAt),
    certified: certifier.certified,
    certifiedUntil: optionalTime(certifier.certifiedUntil),
    createdAt: timeText(certifier.createdAt),
  })
}

function numberAnswer(number: CertifierNumber): Static<typeof NumberAnswer> {
  return compact({
    x: number.x as string,
    poolKey: number.poolKey as string,
    city: number.city,
    certified: number.certified,
  })
}
