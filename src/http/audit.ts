import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Audit, AuditIntent, AuditNote } from '../accounts/audit.ts'
import type { NumberParser } from '../platform/phone-numbers.ts'
import { principalOf } from './auth.ts'

declare module 'fastify' {
  interface FastifyRequest {
    auditIntent: AuditIntent | undefined
    auditSubjects: readonly string[]
  }
  interface FastifyContextConfig {
    /** `false`: changes nothing, although it is not a GET. */
    audit?: false
  }
}

const readingMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Every change under /v1 is noted before its handler runs, and refused when that cannot be done;
 * what became of it is noted after the answer. So whatever was changed has an entry, also when the
 * process dies on the way: then one that does not know its outcome.
 */
export function addAudit(
  app: FastifyInstance,
  { audit, parser }: { audit: Pick<Audit, 'begin' | 'finish'>; parser: NumberParser },
): void {
  app.decorateRequest('auditIntent', undefined)
  app.decorateRequest('auditSubjects')
  app.addHook('preHandler', async (request) => {
    if (!isChange(request)) return
    request.auditSubjects = []
    request.auditIntent = await audit.begin(noteOf(request, subjectsAsked(request)))
  })
  app.addHook('preSerialization', async (request, reply, payload) => {
    if (request.auditIntent !== undefined && reply.statusCode < 400) {
      request.auditSubjects = subjectsAnswered(payload)
    }
    return payload
  })
  // Not in onResponse: that comes as well when the client has left and nothing is decided yet.
  app.addHook('onSend', async (request, reply, payload) => {
    const { auditIntent: intent } = request
    if (intent === undefined) return payload
    request.auditIntent = undefined
    const done =
      reply.statusCode < 400 ? [...subjectsFound(request, parser), ...request.auditSubjects] : []
    const subjects = [...new Set([...intent.subjects, ...done])].slice(0, subjectsMax)
    audit.finish(intent, { status: reply.statusCode, subjects })
    return payload
  })
}

/** For what is no change and has to be noted all the same. */
export function noteOf(request: FastifyRequest, subjects: readonly string[]): AuditNote {
  const { accountId, tokenId } = principalOf(request)
  return {
    accountId,
    actor: tokenId,
    action: String(request.routeOptions.schema?.operationId ?? request.routeOptions.url),
    subjects,
    requestId: request.id,
    address: request.ip,
  }
}

function isChange({ method, routeOptions, is404 }: FastifyRequest): boolean {
  if (is404 || readingMethods.has(method)) return false
  return routeOptions.config.scope !== undefined && routeOptions.config.audit !== false
}

/** As many as the largest bulk has, each with its X; an import of more is told by its first ones. */
const subjectsMax = 2_000
const idFields = ['id', 'key', 'x', 'bindingId', 'groupId', 'accountId']

/**
 * Whatever could hold a real number that somebody typed in the wrong place is left out: a pool's
 * key, the sixteen digits of a binding, and what has a letter and no long run of digits.
 */
const surelyIdPattern = /^FC\d{6,18}$|^[1-9]\d{15}$|^(?=.*[A-Za-z])(?!.*\d{11})[\w-]{1,64}$/

function subjectsAsked(request: FastifyRequest): string[] {
  const pool =
    isObject(request.body) && !isOfBindings(request) ? request.body['poolKey'] : undefined
  const asked = [...Object.values(request.params as object), pool, ...idsIn(request.body)]
  const ids = asked.filter((each) => typeof each === 'string' && surelyIdPattern.test(each))
  return (ids as string[]).slice(0, subjectsMax)
}

/** A pool has millions of them: it is not named by each, or asking for a pool would find nothing else. */
function isOfBindings(request: FastifyRequest): boolean {
  return request.routeOptions.schema?.tags?.includes('bindings') === true
}

/** The answer's own ids, and those of its items. They come from our tables, not from a keyboard. */
function subjectsAnswered(payload: unknown): string[] {
  return idsIn(payload).slice(0, subjectsMax)
}

function idsIn(value: unknown): string[] {
  if (!isObject(value)) return []
  const own = idFields.map((name) => value[name]).filter((each) => typeof each === 'string')
  const items = Array.isArray(value['items']) ? value['items'] : []
  return [...own, ...idsIn(value['binding']), ...items.flatMap(idsIn)]
}

/** What stands in the path of a request that went well is an id of ours. */
function subjectsFound(request: FastifyRequest, parser: NumberParser): string[] {
  const { x, ...ids } = request.params as Record<string, string>
  const parsed = x === undefined ? undefined : parser.virtual(x)
  return [...Object.values(ids), ...(parsed === undefined ? [] : [parsed])]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
