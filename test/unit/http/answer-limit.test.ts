import { Readable } from 'node:stream'
import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { addAnswerLimit } from '../../../src/http/answer-limit.ts'

test('an answer that has begun and never ends is broken off, and the server goes on', async () => {
  const app = fastify()
  addAnswerLimit(app, 40)
  const begun = new Readable({ read() {} })
  app.get('/begun', (_request, reply) => reply.send(begun))
  app.get('/hangs', () => new Promise(() => {}))
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  begun.push('one line\n')
  const answer = await fetch(`${base}/begun`)
  expect(answer.status).toBe(200)
  await expect(answer.text()).rejects.toThrow()
  expect((await fetch(`${base}/hangs`)).status).toBe(503)
  await app.close()
})
