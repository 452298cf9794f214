import { describe, expect, test } from 'vitest'
import { controlUrlFault } from '../../../src/numbers/control-url.ts'

const faultOf = (url: string) => controlUrlFault(url, { privateHosts: false })

describe('the control URL of an X mode pool', () => {
  test.each([
    'https://calls.example.com/decide?tenant=7',
    'http://calls.example.com:8080/',
    'https://203.0.113.7/x',
    'https://[2001:db8::7]/x',
    'https://例子.测试/x',
    'https://172.32.0.1/',
    'https://my-localhost.example.com/',
  ])('%s may be asked', (url) => {
    expect(faultOf(url)).toBeUndefined()
  })

  test.each([
    '',
    'calls.example.com',
    '/decide',
    'ftp://calls.example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
  ])('%j is no http URL', (url) => {
    expect(faultOf(url)).toContain('absolute http or https URL')
  })

  test('a user name or password in it is refused, and so is a fragment', () => {
    expect(faultOf('https://user@calls.example.com/')).toContain('password')
    expect(faultOf('https://:secret@calls.example.com/')).toContain('password')
    expect(faultOf('https://calls.example.com/#x')).toContain('fragment')
    expect(faultOf(`https://calls.example.com/${'x'.repeat(2048)}`)).toContain('2048')
  })

  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0.0.0.0/',
    'http://10.1.2.3/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://172.16.0.1/',
    'http://172.31.255.255/',
    'http://192.168.1.1/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://[ff02::1]/',
    'http://localhost/',
    'http://localhost./',
    'http://LOCALHOST/',
    'http://api.localhost/',
    'http://redis/',
    'http://printer.local/',
    'http://db.internal/',
    'http://router.lan/',
    'http://nas.home.arpa/',
  ])('%s leads into our own network', (url) => {
    expect(faultOf(url)).toContain('public host')
    expect(controlUrlFault(url, { privateHosts: true })).toBeUndefined()
  })
})
