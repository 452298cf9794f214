import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'

/** Resolves when the part can be used, rejects with the reason when not. */
export type ReadinessCheck = () => Promise<unknown>

export type Operations = {
  /** By the name of the part, such as `postgres`. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>
  /** True from the moment at which no new work is taken. */
  isDraining(): boolean
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  readonly checkMsMax?: number
}

type CheckResult = { name: string; ok: boolean; detail?: string }

const ReadinessAnswer = Type.Object({
  status: Type.Enum(['ready', 'not-ready', 'draining']),
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      ok: Type.Boolean(),
      detail: Type.Optional(Type.String()),
    }),
  ),
})

/** `/healthz` (restart me), `/readyz` (send me work), `/metrics` (for Prometheus). Not rate limited. */
export function addOperations(app: FastifyInstance, operations: Operations): void {
  const { isDraining, metrics } = operations
  const examine = createExamination(operations)

  app.get(
    '/healthz',
    {
      config: { access: 'open', rateLimit: false },
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process lives',
        tags: ['operations'],
        security: [],
        response: { 200: Type.Object({ status: Type.Literal('alive') }) },
      },
    },
    async () => ({ status: 'alive' }),
  )

  app.get(
    '/readyz',
    {
      config: { access: 'open', rateLimit: false },
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the process can take work, and if not, which part is missing',
        tags: ['operations'],
        security: [],
        response: { 200: ReadinessAnswer, 503: ReadinessAnswer },
      },
    },
    async (_request, reply) => {
      const results = await examine()
      const ready = !isDraining() && results.every((each) => each.ok)
      const status = isDraining() ? 'draining' : ready ? 'ready' : 'not-ready'
      return reply.code(ready ? 200 : 503).send({ status, checks: results })
    },
  )

  app.get(
    '/metrics',
    {
      config: { access: 'loopback', scope: 'operator', rateLimit: false },
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus; without a token only from this machine',
        tags: ['operations'],
        response: { 200: Type.String() },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  )
}

/** Anybody may ask as often as they like; the parts are asked twice a second at most. */
const freshMs = 500

function createExamination({ checks, checkMsMax = 2000 }: Operations) {
  const entries = Object.entries(checks)
  let last: { at: number; results: Promise<CheckResult[]> } | undefined
  return (): Promise<CheckResult[]> => {
    const now = performance.now()
    if (last === undefined || now - last.at > freshMs) {
      const results = Promise.all(entries.map((each) => runCheck(each, checkMsMax)))
      last = { at: now, results }
    }
    return last.results
  }
}

async function runCheck(
  [name, check]: [string, ReadinessCheck],
  msMax: number,
): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${msMax} ms`)), msMax)
  })
  try {
    await Promise.race([check(), limit])
    return { name, ok: true }
  } catch (err) {
    return { name, ok: false, detail: reasonOf(err) }
  } finally {
    clearTimeout(timer)
  }
}

/** Open to everybody, so without credentials that a driver may have put in its message. */
function reasonOf(err: unknown): string {
  const text = err instanceof Error ? err.message || err.name : String(err)
  return text.replace(/:\/\/[^@\s/]*@/g, '://***@').slice(0, 200)
}
