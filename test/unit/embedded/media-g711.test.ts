import alawmulaw from 'alawmulaw'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode, transcode } from '../../../src/embedded/media/g711.ts'

const laws = { PCMU: alawmulaw.mulaw, PCMA: alawmulaw.alaw } as const
const samples = fc.int16Array({ minLength: 1, maxLength: 320 })

describe.each(['PCMU', 'PCMA'] as const)('%s by table', (codec) => {
  test('encodes and decodes as the package does, sample by sample', () => {
    fc.assert(
      fc.property(samples, (pcm) => {
        const encoded = encode(codec, pcm)
        expect(encoded).toEqual(laws[codec].encode(pcm))
        expect(decode(codec, encoded)).toEqual(laws[codec].decode(encoded))
      }),
    )
  })

  test('comes back to the same bytes', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const again = decode(codec, encode(codec, decode(codec, bytes)))
    expect(again).toEqual(decode(codec, bytes))
  })

  test('crosses to the other law with no more loss than that law itself has', () => {
    const other = codec === 'PCMU' ? 'PCMA' : 'PCMU'
    fc.assert(
      fc.property(samples, (pcm) => {
        const encoded = encode(codec, pcm)
        const through = encode(other, decode(codec, encoded))
        expect(transcode(codec, other, encoded)).toEqual(through)
        expect(transcode(codec, codec, encoded)).toBe(encoded)
      }),
    )
  })
})
