import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MnsError } from '../../../src/http/mns/mns-error.ts'
import { receiptHandlesIn } from '../../../src/http/mns/mns-xml.ts'

const listOf = (...handles: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?><ReceiptHandles xmlns="http://mns.aliyuncs.com/doc/v1/">${handles
    .map((each) => `<ReceiptHandle>${each}</ReceiptHandle>`)
    .join('')}</ReceiptHandles>`

test.each<[string, string]>([
  ['nothing', ''],
  ['something else', 'ReceiptHandle=a'],
  ['no handle', listOf()],
  ['an empty handle', listOf('')],
  ['too many', listOf(...Array.from({ length: 17 }, (_, at) => `h${at}`))],
  ['another element', listOf().replace('</R', '<Other>a</Other></R')],
  ['an element inside', listOf('<b>a</b>')],
  ['a CDATA section', listOf('<![CDATA[a]]>')],
  ['a comment', listOf('<!-- a -->')],
  ['an entity', listOf('&amp;')],
  [
    'a bomb of entities',
    `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>${listOf('&b;').slice(38)}`,
  ],
  [
    'a file of ours',
    `<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]><ReceiptHandles><ReceiptHandle>&x;</ReceiptHandle></ReceiptHandles>`,
  ],
  ['sixty thousand open elements', '<ReceiptHandles>'.repeat(3_800)],
  ['sixty thousand spaces', `${' '.repeat(60_000)}x`],
  ['spaces without an end', `<ReceiptHandles>${' '.repeat(60_000)}`],
  ['a handle without an end', `<ReceiptHandles><ReceiptHandle>${'a'.repeat(60_000)}`],
  ['many ends', `<ReceiptHandles>${'</ReceiptHandles> '.repeat(3_000)}`],
  ['UTF-16', Buffer.from(listOf('a'), 'utf16le').toString('latin1')],
])('a body with %s is refused at once, and not repeated', (_what, body) => {
  const before = performance.now()
  const refusal = catching(() => receiptHandlesIn(Buffer.from(body)))
  expect(refusal).toMatchObject({ httpStatus: 400, code: 'MalformedXML' })
  expect(performance.now() - before).toBeLessThan(2_000)
  expect(refusal.message.length).toBeLessThan(200)
})

test('no body, however it is made, takes long or gives a handle that could hold markup', () => {
  const part = fc.constantFrom(
    ...['<ReceiptHandles>', '</ReceiptHandles>', '<ReceiptHandle>', '</ReceiptHandle>', '&a;'],
    ...['<?xml version="1.0"?>', '<!DOCTYPE a [', ']>', '<![CDATA[', ' ', '\n', 'a', '<', '\uFEFF'],
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 200 }), (parts) => {
      try {
        const handles = receiptHandlesIn(Buffer.from(parts.join('')))
        for (const each of handles) expect(each).not.toMatch(/[<&\s]/)
      } catch (err) {
        expect(err).toBeInstanceOf(MnsError)
      }
    }),
  )
})

function catching(work: () => unknown): MnsError {
  try {
    work()
  } catch (err) {
    if (err instanceof MnsError) return err
    throw err
  }
  throw new Error('it was let through')
}
