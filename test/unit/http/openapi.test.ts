import { Validator } from '@seriousme/openapi-schema-validator'
import { Compile } from 'typebox/compile'
import { beforeAll, expect, test } from 'vitest'
import { anApi } from './an-app.ts'

type Media = {
  schema: Record<string, unknown>
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
type Operation = {
  operationId?: string
  summary?: string
  tags?: string[]
  security?: unknown[]
  requestBody?: { content: Record<string, Media> }
  parameters?: { in: string; name: string; schema: object }[]
  responses: Record<string, { description?: string; content?: Record<string, Media> }>
}
type Document = {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

let document: Document
let operations: [name: string, operation: Operation][]

beforeAll(async () => {
  const { app } = await anApi()
  document = (await app.inject('/docs/json')).json()
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )
})

const behindToken = () => operations.filter(([name]) => name.includes(' /v1/'))

test('the document is valid OpenAPI 3.1', async () => {
  expect(document.openapi).toBe('3.1.0')
  const result = await new Validator().validate(structuredClone(document))
  expect(result.errors).toBeUndefined()
  expect(result.valid).toBe(true)
})

test('every operation has a name of its own, a summary and a tag', () => {
  const ids = operations.map(([, operation]) => operation.operationId)
  expect(new Set(ids).size).toBe(operations.length)
  for (const [name, operation] of operations) {
    expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z]+$/)
    expect(operation.summary, name).toMatch(/^\S.{9,}$/)
    expect(operation.tags, name).toHaveLength(1)
  }
})

test('every operation behind a token says how it can be refused, as problems', () => {
  for (const [name, { responses }] of behindToken()) {
    for (const status of ['401', '429', '500', '503']) {
      const answer = responses[status]
      expect(answer?.description, `${name} ${status}`).not.toBe('Default Response')
      expect(answer?.content?.['application/problem+json']?.schema, `${name} ${status}`).toEqual({
        $ref: '#/components/schemas/Problem',
      })
    }
    const refused = Object.entries(responses).filter(([status]) => Number(status) >= 400)
    for (const [status, answer] of refused) {
      expect(Object.keys(answer.content ?? {}), `${name} ${status}`).toEqual([
        'application/problem+json',
      ])
    }
  }
})

test('what takes input says what it refuses', () => {
  for (const [name, { responses, requestBody, parameters }] of behindToken()) {
    if (requestBody !== undefined || parameters !== undefined) {
      expect(Object.keys(responses), name).toContain('400')
    }
    if (requestBody !== undefined) expect(Object.keys(responses), name).toContain('413')
    if (requestBody !== undefined) expect(Object.keys(responses), name).toContain('415')
    if (name.includes('{')) expect(Object.keys(responses), name).toContain('404')
  }
})

test('every body that can be sent refuses unknown fields and has an example that it accepts', () => {
  const bodies = operations.flatMap(([name, { requestBody }]) =>
    Object.entries(requestBody?.content ?? {}).map(([type, media]) => ({ name, type, media })),
  )
  expect(bodies.length).toBeGreaterThan(3)
  for (const { name, type, media } of bodies) {
    const { schema } = media
    const [example] = examplesOf(media)
    expect(Compile(schema).Errors(example), name).toEqual([])
    if (type !== 'application/json') continue
    expect(schema['additionalProperties'], name).toBe(false)
    expect(Compile(schema).Check({ ...(example as object), surplus: 1 }), name).toBe(false)
  }
})

test('every answer with a body has an example that is as its schema says', () => {
  for (const [name, { responses }] of behindToken()) {
    const answers = Object.entries(responses).filter(([status]) => status < '204')
    for (const [status, { content }] of answers) {
      for (const media of Object.values(content ?? {})) {
        const examples = examplesOf(media)
        expect(examples.length, `${name} ${status}`).toBeGreaterThan(0)
        for (const example of examples) {
          expect(Compile(media.schema).Errors(example), `${name} ${status}`).toEqual([])
        }
      }
    }
  }
})

function examplesOf({ schema, example, examples }: Media): unknown[] {
  const inSchema = (schema['examples'] ?? []) as unknown[]
  const beside = Object.values(examples ?? {}).map((each) => each.value)
  return [...(example === undefined ? [] : [example]), ...beside, ...inSchema]
}

test('every schema is a JSON Schema that compiles', () => {
  const schemas = operations.flatMap(([name, { parameters, responses }]) => [
    ...(parameters ?? []).map((each) => ({ name: `${name} ${each.name}`, schema: each.schema })),
    ...Object.entries(responses).flatMap(([status, { content }]) =>
      Object.values(content ?? {}).map(({ schema }) => ({ name: `${name} ${status}`, schema })),
    ),
  ])
  for (const { name, schema } of schemas) {
    const components = { Problem: document.components.schemas['Problem'] ?? {} }
    expect(() => Compile(components, schema).Check(null), name).not.toThrow()
  }
})

test('no real number is asked for in a URL, and none is answered in clear', () => {
  for (const [name, { parameters }] of operations) {
    const names = (parameters ?? []).map((each) => each.name)
    expect(
      names.filter((each) => /phone|caller|callee|party/i.test(each)),
      name,
    ).toEqual([])
  }
})
