import { XMLBuilder } from 'fast-xml-parser'
import type { FastifyReply } from 'fastify'

export type Format = 'JSON' | 'XML'

/** Members of an answer; undefined ones are left out. */
export type Members = { readonly [name: string]: unknown }

const builder = new XMLBuilder({ ignoreAttributes: true, suppressEmptyNode: false })

/** JSON, or XML with the same member names and lists as repeated elements (product-semantics 2.3). */
export function sendMembers(
  reply: FastifyReply,
  format: Format,
  root: string,
  members: Members,
): FastifyReply {
  if (format === 'JSON') {
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(members))
  }
  const body = builder.build({ [root]: withoutUndefined(members) })
  return reply
    .type('text/xml; charset=utf-8')
    .send(`<?xml version="1.0" encoding="UTF-8"?>${withoutForbidden(body)}`)
}

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** What XML 1.0 2.2 does not allow even escaped. */
function withoutForbidden(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
}
