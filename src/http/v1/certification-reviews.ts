import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Audit } from '../../accounts/audit.ts'
import type { CertificationReview } from '../../certification/certifier.ts'
import type { Reviews } from '../../certification/manual-review.ts'
import type { ReviewId } from '../../domain/ids.ts'
import { noteOf } from '../audit.ts'
import { problems } from '../problem.ts'
import {
  closed,
  compact,
  lineOfText,
  maskedNumberShape,
  pageAnswer,
  pageOf,
  pageQuery,
  timeShape,
  timeText,
} from './shapes.ts'

const idShape = Type.String({
  pattern: '^[1-9]\\d{0,14}$',
  description: 'Id of a review.',
  examples: ['1000000001'],
})
const stateShape = Type.Enum(['pending', 'approved', 'refused'])
const reasonShape = lineOfText(200, {
  description: 'Read by the person.',
  examples: ['The document does not belong to this name.'],
})

const reviewFields = {
  id: idShape,
  accountId: Type.String({ description: 'Whose X numbers.', examples: ['main'] }),
  accountName: Type.String({ examples: ['Main account'] }),
  numbers: Type.Integer({ description: 'X numbers that the person stands for.', examples: [2] }),
  state: stateShape,
  reason: Type.Optional(reasonShape),
  validUntil: Type.Optional(timeShape),
  createdAt: timeShape,
  decidedAt: Type.Optional(timeShape),
}

const reviewExample = {
  id: '1000000001',
  accountId: 'main',
  accountName: 'Main account',
  numbers: 2,
  state: 'pending',
  createdAt: '2030-01-30T02:00:00Z',
}

const ReviewAnswer = Type.Object(reviewFields, { examples: [reviewExample] })
const OpenedReview = Type.Object(
  {
    ...reviewFields,
    person: Type.Optional(
      Type.Object(
        {
          phone: maskedNumberShape,
          name: Type.String({ examples: ['张三'] }),
          documentEnd: Type.String({
            description: 'The last four characters of the identity document.',
            examples: ['123X'],
          }),
        },
        { description: 'Absent once it was decided: nothing of it is kept.' },
      ),
    ),
  },
  {
    examples: [
      { ...reviewExample, person: { phone: '138****0001', name: '张三', documentEnd: '123X' } },
    ],
  },
)

const ApproveRequest = Type.Object(
  { validUntil: Type.Optional({ ...timeShape, description: 'Absent: without end.' }) },
  { ...closed, examples: [{ validUntil: '2031-01-31T23:59:59+08:00' }] },
)
const RefuseRequest = Type.Object(
  { reason: reasonShape },
  { ...closed, examples: [{ reason: 'The document does not belong to this name.' }] },
)
const params = Type.Object({ id: idShape })

type ReviewDeps = { reviews: Reviews; audit: Pick<Audit, 'record'> }
type App = Parameters<FastifyPluginAsyncTypebox>[0]

/** For whoever runs this installation: the checks that wait for a human. */
export const certificationReviewRoutes: FastifyPluginAsyncTypebox<ReviewDeps> = async (
  app,
  { reviews, audit },
) => {
  app.get(
    '/certification-reviews',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'listCertificationReviews',
        summary: 'Certifications that wait for, or had, a decision; the oldest first',
        tags: ['certification'],
        querystring: Type.Object({ state: Type.Optional(stateShape), ...pageQuery }, closed),
        response: { 200: pageOf(ReviewAnswer), ...problems(400, 403, 422) },
      },
    },
    async (request) => pageAnswer(await reviews.list(request.query), answerOf),
  )

  app.get(
    '/certification-reviews/:id',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'getCertificationReview',
        summary: 'What a person has filled in; noted in the audit log',
        tags: ['certification'],
        params,
        response: { 200: OpenedReview, ...problems(400, 403, 404) },
      },
    },
    async (request) => {
      const review = await reviews.get(request.params.id as ReviewId)
      if (review.person === undefined) return answerOf(review)
      await audit.record(noteOf(request, [`review ${review.id}`]), 200)
      return { ...answerOf(review), person: { ...review.person, phone: `${review.person.phone}` } }
    },
  )

  addDecisionRoutes(app, reviews)
}

function addDecisionRoutes(app: App, reviews: Reviews): void {
  app.post(
    '/certification-reviews/:id/approve',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'approveCertification',
        summary: 'Certify the numbers; what the person has filled in is deleted',
        tags: ['certification'],
        params,
        body: ApproveRequest,
        response: { 200: ReviewAnswer, ...problems(400, 403, 404, 409, 413, 415, 422) },
      },
    },
    async (request) => {
      const { validUntil } = request.body
      const until = validUntil === undefined ? undefined : new Date(validUntil)
      return answerOf(await reviews.approve(request.params.id as ReviewId, until))
    },
  )

  app.post(
    '/certification-reviews/:id/refuse',
    {
      config: { scope: 'operator' },
      schema: {
        operationId: 'refuseCertification',
        summary: 'Refuse; what the person has filled in is deleted',
        tags: ['certification'],
        params,
        body: RefuseRequest,
        response: { 200: ReviewAnswer, ...problems(400, 403, 404, 409, 413, 415, 422) },
      },
    },
    async (request) =>
      answerOf(await reviews.refuse(request.params.id as ReviewId, request.body.reason)),
  )
}

const optionalTime = (time: Date | undefined) => (time === undefined ? undefined : timeText(time))

function answerOf(review: CertificationReview): Static<typeof ReviewAnswer> {
  return compact({
    id: review.id as string,
    accountId: review.accountId as string,
    accountName: review.accountName,
    numbers: review.numbers,
    state: review.state,
    reason: review.reason,
    validUntil: optionalTime(review.validUntil),
    createdAt: timeText(review.createdAt),
    decidedAt: optionalTime(review.decidedAt),
  })
}
