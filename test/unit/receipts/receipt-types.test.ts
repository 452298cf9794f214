import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { receiptExample, receiptPage } from '../../../scripts/receipt-page.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { toReport } from '../../../src/receipts/call-receipts.ts'
import { messageTypes, receiptSchema } from '../../../src/receipts/receipt-types.ts'
import { sourceBody } from '../../../src/receipts/source-receipts.ts'
import { aCall } from '../../support/call-events.ts'

const { national } = createNumberParser({ country: 'CN' })

/** Also that nothing is in it that the schema does not name. */
function faultsOf(type: (typeof messageTypes)[number], body: object): readonly string[] {
  const schema = receiptSchema(type)
  const strange = Object.keys(body).filter((name) => !(name in schema.properties))
  const faults = Value.Errors(schema, body).map((each) => `${each.instancePath} ${each.message}`)
  return [...strange.map((name) => `${name} is not in the schema`), ...faults]
}

test('docs/receipts.md is what the schemas say: scripts/receipt-page.ts writes it', () => {
  expect(readFileSync('docs/receipts.md', 'utf8')).toBe(receiptPage())
})

test.each(messageTypes)('the example of %s is valid', (type) => {
  expect(faultsOf(type, receiptExample(type))).toEqual([])
})

test('the database knows the same types', () => {
  const sql = readFileSync('src/platform/migrations/0016_alarms.sql', 'utf8')
  const [, list = ''] = /constraint receipt_type_check check \(value in \(([^)]*)\)/.exec(sql) ?? []
  const known = [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name)
  expect(known.sort()).toEqual([...messageTypes].sort())
})

describe('what is made fits its schema', () => {
  const facts = fc.record({
    intercepted: fc.boolean(),
    callerRole: fc.constantFrom('A' as const, 'B' as const, 'N' as const, 'G' as const, undefined),
    extension: fc.constantFrom('1', '012', undefined),
    outId: fc.option(fc.string({ minLength: 1, maxLength: 128 }), { nil: undefined }),
    city: fc.constantFrom('杭州', undefined),
    callee: fc.constant(undefined),
  })

  test('of every event of a call', () => {
    fc.assert(
      fc.property(facts, (given) => {
        for (const event of [...aCall(), ...aCall(given)]) {
          const { messageType, report } = toReport(event, { national })
          expect(faultsOf(messageType, report)).toEqual([])
        }
      }),
    )
  })

  test.each([
    ['NumberManagementReport', { x: '+8617000000001', city: '杭州', status: 1, vendor: 2 }],
    ['NumberManagementReport', { x: '+8695013000001', status: 2 }],
    ['SecretExceptionPhoneReport', { x: '+8617000000001', noStatus: 0 }],
  ] as const)('of a number: %s', (type, noted) => {
    const source = { type, poolKey: 'FC100000000000001', happenedAt: new Date(), facts: noted }
    expect(faultsOf(type, sourceBody(source, national))).toEqual([])
  })
})
