import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { receiptPage } from '../../../scripts/receipt-page.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { toReport } from '../../../src/receipts/call-receipts.ts'
import { exampleOf } from '../../../src/receipts/receipt-example.ts'
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
  expect(faultsOf(type, exampleOf(type))).toEqual([])
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

  const alarm = { alarm: '1000000001', subject: 'it', raisedAt: '2026-11-24T02:00:00+00:00' }
  const cleared = { clearedAt: '2026-11-24T02:01:30.123+00:00' }
  const certification = {
    ...{ kind: 'certification-expiring', threshold: 7, numbers: ['+8617000000001'] },
    ...{
      numberCount: 1,
      certifiedUntil: '2026-12-01T02:00:00.000Z',
      detail: 'One will not stand.',
    },
  }

  test.each([
    [{ kind: 'pool-utilisation', became: 'raised', percent: 80.5, threshold: 80 }],
    [{ kind: 'trunk-down', became: 'raised', detail: 'Silent.', routers: 1, routersInAll: 2 }],
    [{ kind: 'push-failing', became: 'cleared', ...cleared, unwatched: false }],
    [{ kind: 'journal-filling', became: 'cleared', ...cleared, unwatched: true, percent: 71 }],
    [{ became: 'worse', ...certification }],
  ])('of an alarm: %j', (noted) => {
    const facts = { ...alarm, ...noted }
    const source = {
      type: 'AlarmReport',
      happenedAt: new Date(),
      facts,
      poolKey: undefined,
    } as const
    expect(faultsOf('AlarmReport', sourceBody(source, national))).toEqual([])
  })

  test('of an alarm that got worse, under an id of its own', () => {
    const facts = { ...alarm, became: 'worse', ...certification }
    const source = { type: 'AlarmReport', happenedAt: new Date(), facts, poolKey: 'FC1' } as const
    expect(sourceBody(source, national)).toEqual({
      ...{ id: 'alarm:1000000001:worse:7', version: 1, alarm_id: '1000000001', state: 'worse' },
      ...{ kind: 'certification-expiring', subject: 'it', pool_key: 'FC1', threshold: 7 },
      ...{ detail: 'One will not stand.', numbers: ['17000000001'], number_count: 1 },
      ...{ certified_until: '2026-12-01 10:00:00', raised_at: '2026-11-24 10:00:00' },
    })
  })

  test('of an alarm that is over, with its end and why', () => {
    const facts = { ...alarm, kind: 'trunk-down', became: 'cleared', ...cleared, unwatched: true }
    const source = {
      type: 'AlarmReport',
      happenedAt: new Date(),
      facts,
      poolKey: undefined,
    } as const
    expect(sourceBody(source, national)).toMatchObject({
      ...{ id: 'alarm:1000000001:cleared', cleared_at: '2026-11-24 10:01:30' },
      cleared_because: 'unwatched',
    })
  })
})
