import { afterAll, beforeAll, expect, test } from 'vitest'
import { scopes } from '../../../src/domain/scope.ts'
import { type ApiEngine, startApiEngine } from '../../support/api-engine.ts'
import { recipes } from '../../support/route-recipes.ts'
import {
  type Answer,
  type Ask,
  anAccount,
  asker,
  nobodysThings,
  type Things,
} from '../../support/two-accounts.ts'

/**
 * Every operation of the running engine, as its own document lists them, tried by an account that
 * has nothing to do with what it asks for.
 */
let engine: ApiEngine
let operator: Ask
let one: { ask: Ask; things: Things }
let two: { ask: Ask; things: Things }
let operations: readonly { id: string; method: string; scope: string | undefined }[]

beforeAll(async () => {
  engine = await startApiEngine()
  operator = asker(engine.base, engine.adminToken)
  one = await anAccount(engine, operator, 1)
  two = await anAccount(engine, operator, 2)
  const { paths } = (await operator('GET', '/docs/json')).json as {
    paths: Record<string, Record<string, { operationId: string; security?: { token: string[] }[] }>>
  }
  operations = Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([, methods]) =>
      Object.entries(methods).map(([method, { operationId, security }]) => ({
        id: operationId,
        method: method.toUpperCase(),
        scope: security?.[0]?.token[0],
      })),
    )
})

afterAll(() => engine.stop())

function recipeOf(id: string, things: Things) {
  const recipe = recipes[id]
  if (recipe === undefined) {
    throw new Error(`${id} has no line in test/support/route-recipes.ts: say how it is asked`)
  }
  return recipe(things)
}

function askFor(ask: Ask, operation: { id: string; method: string }, things: Things) {
  const { path, body, contentType } = recipeOf(operation.id, things)
  return ask(operation.method, `/v1${path}`, body, contentType)
}

/** Without the names of cities, and without counters such as 1, which stand everywhere. */
function tellingIds({ city: _, ...own }: Things): string[] {
  return Object.values(own).filter((id) => id.length > 5)
}

/** What is left of an answer when what it was asked for is taken out. */
function shapeOf({ status, text }: Answer, things: Things): string {
  const masked = tellingIds(things).reduce(
    (rest, id) => rest.replaceAll(id, '…').replaceAll(encodeURIComponent(id), '…'),
    text.replace(/urn:axbridge:request:[\w-]+/, ''),
  )
  return `${status} ${masked}`
}

/** Ids of the things that are in the text, besides those that were asked for. */
function idsIn(text: string, things: Things, asked: string): string[] {
  return tellingIds(things).filter(
    (id) => text.includes(id) && !asked.includes(id) && !asked.includes(encodeURIComponent(id)),
  )
}

/** Refused, or a look at what one does not have, or a bulk of which nothing was done, or a call that nobody gets. */
function showsNothing({ status, json }: Answer, method: string): boolean {
  const isEmpty = Array.isArray(json['items']) && json['items'].length === 0
  const isIdle = json['done'] === 0 || json['receipts'] === 0 || json['decision'] === 'refuse'
  return status >= 400 || method === 'GET' || isEmpty || isIdle
}

/** All that an account sees of its own. */
async function snapshot({ ask, things }: typeof one): Promise<Record<string, string>> {
  const seen: Record<string, string> = {}
  for (const operation of operations) {
    const { path, changing } = recipeOf(operation.id, things)
    if (operation.method !== 'GET' || operation.scope === 'operator' || changing) continue
    const { status, text } = await ask('GET', `/v1${path}`)
    expect(status, operation.id).toBe(200)
    seen[operation.id] = text
  }
  return seen
}

test('every operation says how it is asked, and none is left over', () => {
  const known = operations.map(({ id }) => id).sort()
  expect(Object.keys(recipes).sort()).toEqual(known)
})

test('no token comes in without the scope', async () => {
  const lacking = new Map<string, Ask>()
  for (const scope of scopes) {
    const rest = scopes.filter((each) => each !== scope)
    const made = await two.ask('POST', '/v1/tokens', { name: scope, scopes: rest })
    lacking.set(scope, asker(engine.base, String(made.json['token'])))
  }
  for (const operation of operations) {
    const { id, scope = 'none' } = operation
    const ask = scope === 'operator' ? two.ask : lacking.get(scope)
    if (ask === undefined) throw new Error(`${id} needs the unknown scope ${scope}`)
    const { status, json } = await askFor(ask, operation, two.things)
    expect(status, id).toBe(403)
    expect(json, id).toMatchObject({
      code: scope === 'operator' ? 'operator-only' : 'scope-missing',
    })
  }
})

test('one account neither reads nor changes the things of another, nor learns that they exist', async () => {
  const before = await snapshot(one)
  expect(Object.keys(before).length).toBeGreaterThan(10)
  for (const operation of operations.filter(({ scope }) => scope !== 'operator')) {
    const { ownOnly } = recipeOf(operation.id, one.things)
    const asked = JSON.stringify(recipeOf(operation.id, one.things))
    const answer = await askFor(two.ask, operation, one.things)
    expect(idsIn(answer.text, one.things, asked), operation.id).toEqual([])
    expect(answer.status, operation.id).toBeLessThan(500)
    if (ownOnly) continue
    const ofNobody = await askFor(two.ask, operation, nobodysThings)
    expect(shapeOf(answer, one.things), operation.id).toBe(shapeOf(ofNobody, nobodysThings))
    expect(showsNothing(answer, operation.method), `${operation.id} ${answer.text}`).toBe(true)
  }
  expect(await snapshot(one)).toEqual(before)
})

test('what was tried stands in the audit log of who tried, and not in that of the owner', async () => {
  for (const subject of [one.things.poolKey, one.things.bindingId]) {
    const tried = await two.ask('GET', `/v1/audit?subject=${subject}&limit=200`)
    const items = tried.json['items'] as { action: string; status: number }[]
    expect(items.length, subject).toBeGreaterThan(1)
    // A bulk is answered with 200 and a refusal for each of its items.
    const single = items.filter(({ action }) => !action.endsWith('Bindings'))
    expect(single.filter(({ status }) => status < 400)).toEqual([])
    const owner = await one.ask('GET', `/v1/audit?subject=${subject}&limit=200`)
    const actors = (owner.json['items'] as { actor: string }[]).map(({ actor }) => actor)
    expect(new Set(actors).size, subject).toBe(1)
  }
})

test('the owner may do all of it: the refusals were none of form', async () => {
  const byId = new Map(operations.map((each) => [each.id, each]))
  for (const id of Object.keys(recipes)) {
    const operation = byId.get(id)
    if (operation === undefined) throw new Error(`${id} is no operation`)
    const ask = operation.scope === 'operator' ? operator : one.ask
    const { status, text } = await askFor(ask, operation, one.things)
    if (recipeOf(id, one.things).absent === true) expect(status, id).toBe(404)
    else expect(status, `${id} ${text}`).toBeLessThan(300)
  }
})
