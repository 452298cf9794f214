import { describe, expect, test } from 'vitest'
import { parseMediaHosts } from '../../../src/media/hosts.ts'

describe('media hosts', () => {
  test('are named one after the other', () => {
    expect(
      parseMediaHosts('freeswitch://:secret@192.0.2.1:8022, freeswitch://:a%2Cb@media.example'),
    ).toEqual([
      { host: '192.0.2.1', port: 8022, password: 'secret' },
      { host: 'media.example', port: 8021, password: 'a,b' },
    ])
  })

  test.each(['drachtio://127.0.0.1', 'freeswitch://'])('%s is none', (url) => {
    expect(() => parseMediaHosts(url)).toThrow(/FREESWITCH_URLS|Invalid URL/)
  })
})
