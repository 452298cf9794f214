import { describe, expect, test } from 'vitest'
import { userOfUri } from '../../../src/sip/identity-in.ts'
import { causeOfReason } from '../../../src/sip/reason.ts'
import { parseSipServers } from '../../../src/sip/servers.ts'

describe('only the beginning is read of what may be without end', () => {
  test('a Reason', () => {
    expect(causeOfReason(`${'Q.850;'.repeat(20_000)}cause=17`)).toBeUndefined()
  })

  test('an identity', () => {
    const caller = '<sip:+8613800000001@192.0.2.1>'
    expect(userOfUri(`"${'n'.repeat(1000)}" ${caller}`)).toBe('+8613800000001')
    expect(userOfUri(`"${'\\"'.repeat(30_000)}" ${caller}`)).toBeUndefined()
  })
})

describe('SIP servers', () => {
  test('are named one after the other', () => {
    expect(
      parseSipServers('drachtio://:secret@192.0.2.1:9000, drachtio://:a%2Cb@sip.example'),
    ).toEqual([
      { host: '192.0.2.1', port: 9000, secret: 'secret' },
      { host: 'sip.example', port: 9022, secret: 'a,b' },
    ])
  })

  test.each(['redis://127.0.0.1', 'drachtio://'])('%s is none', (url) => {
    expect(() => parseSipServers(url)).toThrow(/DRACHTIO_URL|Invalid URL/)
  })
})
