import { describe, expect, test } from 'vitest'
import { causeOf } from '../../../src/domain/hangup.ts'
import type { CallId } from '../../../src/domain/ids.ts'
import type { PhoneNumber } from '../../../src/domain/phone-number.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'
import { toEndReport, toReport } from '../../../src/receipts/call-receipts.ts'
import { aCall, someFacts } from '../../support/call-events.ts'

const { national } = createNumberParser({ country: 'CN' })
const clear = { national, show: (number: PhoneNumber) => national(number.reveal()) }
const callId = 'one' as CallId
const [start, ring, answer, end] = aCall({ callId })
if (!start || !ring || !answer || !end) throw new Error('a call has these')

const parties = {
  pool_key: 'FC100000000000001',
  sub_id: 1000000000000001,
  call_id: 'one',
  phone_no: '13800138000',
  secret_no: '17000000001',
  peer_no: '13912345678',
  call_type: 0,
  call_time: '2026-11-24 10:00:00',
  city: '杭州',
  out_id: 'order-1',
}
const startFields = {
  ...parties,
  id: 'one:start',
  partner_key: 'FC100000000000001',
  called_display_no: '17000000001',
  unconnected_cause: 0,
  control_type: 'CONTINUE',
  control_msg: 'OK',
}

describe('the reports of a call', () => {
  test('start', () => {
    expect(toReport(start, clear)).toEqual({
      messageType: 'SecretStartReport',
      report: startFields,
    })
  })

  test('ring', () => {
    expect(toReport(ring, clear)).toEqual({
      messageType: 'SecretRingReport',
      report: { ...parties, ring_time: '2026-11-24 10:00:01' },
    })
  })

  test('pick-up', () => {
    expect(toReport(answer, clear)).toEqual({
      messageType: 'SecretPickUpReport',
      report: {
        ...parties,
        ring_time: '2026-11-24 10:00:01',
        start_time: '2026-11-24 10:00:03',
      },
    })
  })

  test('end', () => {
    const report = {
      ...startFields,
      id: 'one:end',
      call_out_time: '2026-11-24 10:00:00',
      ring_time: '2026-11-24 10:00:01',
      free_ring_time: '2026-11-24 10:00:01',
      start_time: '2026-11-24 10:00:03',
      release_time: '2026-11-24 10:00:13',
      release_dir: 1,
      release_cause: 16,
      record_url: '',
      ring_record_url: '',
      sms_number: 0,
    }
    expect(toReport(end, clear)).toEqual({ messageType: 'SecretReport', report })
    expect(toEndReport(end, clear)).toEqual(report)
  })

  test('mask numbers unless they are asked for in clear', () => {
    const { report } = toReport(start, { national })
    expect(report).toMatchObject({ phone_no: '138****8000', peer_no: '139****5678' })
    expect(report).toMatchObject({ secret_no: '17000000001' })
  })

  test("phone_no is A's also when B calls", () => {
    const [fromB] = aCall({
      callerRole: 'B',
      caller: start.callee,
      callee: start.caller,
    })
    if (!fromB) throw new Error('a call has a start')
    expect(toReport(fromB, clear).report).toMatchObject({
      phone_no: '13800138000',
      peer_no: '13912345678',
      call_type: 1,
    })
  })

  test('of an intercepted call', () => {
    const refused = causeOf('no-binding')
    const facts = someFacts({
      callId,
      intercepted: true,
      bindingId: undefined,
      callee: undefined,
      callerRole: undefined,
      outId: undefined,
      unconnectedCause: 2,
      controlMsg: 'NO_SUBS_EXIST',
      releaseTime: new Date('2026-11-24T02:00:01Z'),
      releaseDirection: 0,
      releaseCause: refused.q850,
      releaseReason: refused.reason,
    })
    expect(toEndReport(facts, clear)).toEqual({
      id: 'one:end',
      partner_key: 'FC100000000000001',
      pool_key: 'FC100000000000001',
      sub_id: 0,
      call_id: 'one',
      phone_no: '13800138000',
      secret_no: '17000000001',
      peer_no: '',
      called_display_no: '',
      call_type: 4,
      call_time: '2026-11-24 10:00:00',
      city: '杭州',
      unconnected_cause: 2,
      control_type: 'REJECT',
      control_msg: 'NO_SUBS_EXIST',
      call_out_time: '2026-11-24 10:00:00',
      ring_time: '2026-11-24 10:00:00',
      free_ring_time: '2026-11-24 10:00:00',
      start_time: '2026-11-24 10:00:01',
      release_time: '2026-11-24 10:00:01',
      release_dir: 0,
      release_cause: 21,
      record_url: '',
      ring_record_url: '',
      sms_number: 0,
    })
  })

  test('of a call that was intercepted at its binding names A, whoever called', () => {
    const [a, n] = [someFacts().caller, someFacts().callee]
    const at = {
      callId,
      intercepted: true,
      unconnectedCause: 3,
      controlMsg: 'CONTROL_DISABLE',
    } as const
    for (const callerRole of ['B', 'N', 'G'] as const) {
      const facts = someFacts({ ...at, callerRole, caller: n, callee: a })
      expect(toEndReport(facts, clear)).toMatchObject({
        sub_id: 1000000000000001,
        phone_no: '13800138000',
        peer_no: '13912345678',
        called_display_no: '',
        call_type: 4,
        out_id: 'order-1',
      })
    }
    const byA = someFacts({ ...at, callerRole: 'A', caller: a, callee: undefined })
    expect(toEndReport(byA, clear)).toMatchObject({ phone_no: '13800138000', peer_no: '' })
  })

  test('has the extension that was dialled, if one was', () => {
    expect(toEndReport(someFacts({ extension: '012' }), clear)).toMatchObject({ extension: '012' })
    expect(toEndReport(someFacts(), clear)).not.toHaveProperty('extension')
  })

  test('a call that nobody answered starts when it is released; one that never rang rings when it goes out', () => {
    const facts = { ...end, startTime: undefined, ringTime: undefined }
    expect(toEndReport(facts, clear)).toMatchObject({
      start_time: '2026-11-24 10:00:13',
      release_time: '2026-11-24 10:00:13',
      ring_time: '2026-11-24 10:00:00',
    })
  })

  test('name where a recording can be fetched, when it can', () => {
    const report = toEndReport(end, { ...clear, recordingUrl: (path) => `https://example/${path}` })
    expect(report.record_url).toBe('https://example/today/one.wav')
  })

  test('a withheld number is empty', () => {
    const report = toEndReport({ ...end, caller: undefined }, { national })
    expect(report.phone_no).toBe('')
  })
})
