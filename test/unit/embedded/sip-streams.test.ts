import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createFrameCutter,
  encodeFrame,
  readFrame,
} from '../../../src/embedded/sip/client-protocol.ts'
import { createStreamCutter, type StreamItem } from '../../../src/embedded/sip/stream.ts'

function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [...cuts].sort((a, b) => a - b)
  return [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length))
}

describe('SIP over a stream', () => {
  const one = 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody'
  const two = 'SIP/2.0 200 OK\r\nl:0\r\n\r\n'

  test('messages come out whole, wherever the stream was cut', () => {
    const stream = `${one}\r\n\r\n${two}\r\n${one}${two}`
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const cutter = createStreamCutter()
        const items = cutAt(stream, cuts).flatMap((piece) => cutter.push(piece))
        const messages = items.filter((item) => item.kind === 'message')
        expect(messages.map((item) => item.bytes)).toEqual([one, two, one, two])
        expect(items.filter((item) => item.kind === 'ping')).toHaveLength(1)
        expect(cutter.waiting()).toBe(0)
      }),
    )
  })

  test.each([
    ['no length', 'OPTIONS sip:a SIP/2.0\r\nX: y\r\n\r\n'],
    ['a length that is no number', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n'],
    ['a length beyond all bounds', 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n'],
    ['no end of headers', `OPTIONS sip:a SIP/2.0\r\nX: ${'y'.repeat(70_000)}`],
  ])('with %s is not followed any further', (_name, text) => {
    const cutter = createStreamCutter()
    const kinds = (items: readonly StreamItem[]) => items.map((item) => item.kind)
    expect(kinds(cutter.push(text))).toEqual(['broken'])
    expect(cutter.push(one)).toEqual([])
  })
})

describe('frames of the client protocol', () => {
  test('come out whole, wherever the stream was cut', () => {
    const payloads = ['id|ping', 'x#y\r\n12#', 'é'.repeat(300), 'id|sip||\r\nBYE sip:a SIP/2.0']
    const stream = payloads.map(encodeFrame).join('')
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const cutter = createFrameCutter()
        const frames = cutAt(stream, cuts).flatMap((piece) => cutter.push(piece).frames)
        expect(frames).toEqual(payloads)
      }),
    )
  })

  test.each(['x', '12x#', '#', '0#', '9999999', '999999#', ' 7#id|ping'])(
    '%j ends the connection',
    (text) => {
      expect(createFrameCutter().push(text).broken).toBe(true)
    },
  )

  test('noise is never kept', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 8 })), (noise) => {
        const cutter = createFrameCutter()
        for (const piece of noise) if (cutter.push(piece).broken) return
      }),
    )
  })

  test('are read into tokens and text', () => {
    expect(readFrame('1|sip|txn|dlg\r\nBYE sip:a SIP/2.0\r\n\r\n')).toEqual({
      id: '1',
      type: 'sip',
      tokens: ['1', 'sip', 'txn', 'dlg'],
      text: 'BYE sip:a SIP/2.0\r\n\r\n',
    })
  })
})
