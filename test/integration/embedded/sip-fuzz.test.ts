import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame } from '../../../src/embedded/sip/client-protocol.ts'
import { header } from '../../support/sip-text.ts'
import { useBench } from './sip-bench.ts'
import {
  type AppResponse,
  callAndAcknowledge,
  createPhone,
  host,
  sdp,
  until,
} from './sip-support.ts'

/** Messages that are nearly right, in any order: nothing may fall over, and good calls go on. */

const bench = useBench()

const methods = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'PRACK', 'UPDATE', 'INFO', 'SUBSCRIBE', 'NOTIFY']
const few = fc.constantFrom('1', '2', '3')

/** A request that shares its Call-ID, tags, branch and number with some of the others. */
const someRequest = fc
  .record({
    method: fc.constantFrom(...methods),
    callId: few,
    branch: few,
    cseq: fc.constantFrom('0', '1', '2', '7', '2147483647', '4294967296', 'x'),
    toTag: fc.constantFrom('', ';tag=1', ';tag'),
    fromTag: fc.constantFrom(';tag=1', ';tag=2', ''),
    via: fc.constantFrom('127.0.0.1:9', '127.0.0.1:0', '127.0.0.1:99999', '[::1]', 'host.invalid'),
    contact: fc.constantFrom(
      '<sip:x@127.0.0.1:9>',
      '<sip:x@127.0.0.1:9;transport=tcp>',
      '*',
      '<sip:x@nowhere.invalid>',
      '<tel:+1>',
      '"',
    ),
    extra: fc.constantFrom(
      '',
      'Record-Route: <sip:127.0.0.1:9>, <sip:[::1]:0;lr>',
      'Session-Expires: 1;refresher=uac',
      'Session-Expires: 99999999999',
      'Supported: 100rel',
      'Require: 100rel',
      'RAck: 1 1 INVITE',
      'Expires: -1',
      'Max-Forwards: 0',
    ),
    body: fc.constantFrom('', sdp, '\0'),
  })
  .map((each) =>
    [
      `${each.method} sip:1000@${host} SIP/2.0`,
      `Via: SIP/2.0/UDP ${each.via};branch=z9hG4bKfuzz${each.branch}`,
      `From: <sip:a@b>${each.fromTag}`,
      `To: <sip:b@b>${each.toTag}`,
      `Call-ID: fuzz${each.callId}`,
      `CSeq: ${each.cseq} ${each.method}`,
      `Contact: ${each.contact}`,
      ...(each.extra === '' ? [] : [each.extra]),
      `Content-Length: ${each.body.length}`,
      '',
      each.body,
    ].join('\r\n'),
  )

const someResponse = fc
  .record({
    status: fc.constantFrom(100, 180, 183, 200, 302, 401, 487, 699),
    method: fc.constantFrom(...methods),
    branch: few,
  })
  .map(({ status, method, branch }) =>
    [
      `SIP/2.0 ${status} X`,
      `Via: SIP/2.0/UDP ${host}:9;branch=z9hG4bKfuzz${branch}`,
      'From: <sip:a@b>;tag=1',
      'To: <sip:b@b>;tag=1',
      'Call-ID: fuzz1',
      `CSeq: 1 ${method}`,
      '',
      '',
    ].join('\r\n'),
  )

/** Some bytes of it replaced. */
const scratched = fc
  .tuple(someRequest, fc.nat(600), fc.string({ maxLength: 6 }))
  .map(([text, at, noise]) => text.slice(0, at) + noise + text.slice(at + noise.length))

async function expectGoodCall(): Promise<void> {
  const answered = bench.answering()
  const ok = await callAndAcknowledge(bench.phone, bench.sip)
  await answered
  await bench.hangUp(ok)
}

test('3000 strange messages from the network', async () => {
  const stranger = await createPhone()
  const statuses = [180, 183, 200, 404]
  let turn = 0
  const act = (_req: unknown, res: AppResponse) => {
    turn += 1
    res.send(statuses[turn % statuses.length] ?? 500, { headers: { Require: '100rel' } })
  }
  bench.acts.set('invite', act)
  bench.acts.set('subscribe', act)
  const all = fc.sample(fc.oneof(someRequest, someResponse, scratched), {
    numRuns: 3000,
    seed: 4475,
  })
  for (const [index, text] of all.entries()) {
    stranger.send(text, bench.sip)
    if (index % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await expectGoodCall()
  await stranger.close()
})

test('3000 strange messages from an app', async () => {
  const { host: to, port } = bench.server.addresses().client
  const nobody = await createPhone()
  const socket = connect(port, to)
  let heard = ''
  socket.on('data', (data) => {
    heard = (heard + data.toString('latin1')).slice(-200_000)
  })
  socket.write(encodeFrame('0|authenticate|a secret|'))
  const someUri = fc.constantFrom(
    `sip:x@${nobody.name}`,
    `sip:x@${nobody.name};transport=tcp`,
    'sip:x@192.0.2.1',
    'sip:placeholder',
    'sip:',
    '*',
  )
  const frame = fc
    .record({
      id: fc.uuid(),
      txn: fc.constantFrom('', 'none', '1'),
      dialog: fc.constantFrom('', '', '', 'none;from-tag=1'),
      start: fc.oneof(
        fc
          .tuple(fc.constantFrom(...methods, 'OPTIONS', 'x'), someUri)
          .map(([m, u]) => `${m} ${u} SIP/2.0`),
        fc.constantFrom('SIP/2.0 200 OK', 'SIP/2.0 99', '', 'SIP/2.0'),
      ),
      fields: fc.array(
        fc.constantFrom(
          'from: sip:a@localhost',
          'From: "',
          'to: <sip:b',
          'contact: sip:a@localhost',
          'Contact: \r',
          'CSeq: x',
          'call-id: ',
          'Content-Type: text/plain',
          'bad line',
          'Via: SIP/2.0/UDP x;branch=y',
          'Max-Forwards: -1',
        ),
        { maxLength: 5 },
      ),
      body: fc.constantFrom('', sdp, 'x'),
    })
    .map(({ id, txn, dialog, start, fields, body }) =>
      encodeFrame(`${id}|sip|${txn}|${dialog}\r\n${[start, ...fields, '', body].join('\r\n')}`),
    )
  let sent = 0
  for (const [index, text] of fc.sample(frame, { numRuns: 3000, seed: 3261 }).entries()) {
    // A response without a transaction id ends the connection, as it should.
    if (/\|sip\|\|[^\r]*\r\nSIP\//.test(text)) continue
    socket.write(text, 'latin1')
    sent += 1
    if (index % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  socket.write(encodeFrame('last|ping'))
  await until('every frame has its answer', () => heard.includes('|response|last|OK|pong'))
  expect(sent).toBeGreaterThan(2000)
  await expectGoodCall()
  const options = nobody.heard.filter((each) => each.startsWith('OPTIONS '))
  expect(options.every((each) => header(each, 'via') !== '')).toBe(true)
  socket.destroy()
  await nobody.close()
})
