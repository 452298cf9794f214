import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode } from '../../../src/embedded/media/g711.ts'
import { playSound } from '../../../src/embedded/media/sound.ts'
import { toneStream } from '../../../src/embedded/media/tone-stream.ts'
import { readWav, readWavChannels } from '../../../src/embedded/media/wav-file.ts'
import {
  contains,
  dominantFrequency,
  levelDbfs,
  likeness,
  toneShare,
} from '../../../src/embedded/phone/listen.ts'

describe('tone streams', () => {
  test('have the frequencies and the pauses that they name', () => {
    const tone = toneStream('%(500,250,450)')
    expect(tone?.loops).toBe(1)
    const samples = tone?.samples ?? new Int16Array()
    expect(samples.length).toBe(6000)
    expect(dominantFrequency(samples)).toBe(450)
    expect(levelDbfs(samples.subarray(4000))).toBe(Number.NEGATIVE_INFINITY)
  })

  test('mix several frequencies', () => {
    const samples = toneStream('%(1000,0,440,480)')?.samples ?? new Int16Array()
    expect(toneShare(samples, 440)).toBeGreaterThan(0.4)
    expect(toneShare(samples, 480)).toBeGreaterThan(0.4)
  })

  test('have segments, levels, repeats and loops', () => {
    const tone = toneStream('v=-20;%(100,0,400);L=2;%(50,50,900);loops=-1')
    expect(tone?.loops).toBe(Number.POSITIVE_INFINITY)
    expect(tone?.samples.length).toBe(800 + 1600)
    const loud = toneStream('%(100,0,400)')?.samples ?? new Int16Array()
    const quiet = tone?.samples.subarray(0, 800) ?? new Int16Array()
    expect(levelDbfs(loud) - levelDbfs(quiet)).toBeCloseTo(13, 0)
  })

  test.each(['', 'loops=3', '%(100)', '%(a,b,c)', '%(100,0,400);loops=x', '%(99999999,0,400)'])(
    'that make no sense (%s) are refused or cut',
    (text) => {
      expect(toneStream(text)?.samples.length ?? 0).toBeLessThanOrEqual(480_000)
    },
  )
})

describe('playing', () => {
  test('cuts a sound into frames of 20 ms, pads the last, and loops without a seam', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 4 }),
        (length, loops) => {
          const samples = Int16Array.from({ length }, (_, i) => 1000 + 8 * i)
          const cursor = playSound({ samples, loops })
          const heard: number[] = []
          for (let frame = cursor.next('PCMA'); frame !== undefined; frame = cursor.next('PCMA')) {
            expect(frame.length).toBe(160)
            heard.push(...decode('PCMA', frame))
          }
          expect(cursor.over).toBe(true)
          expect(cursor.playedSamples).toBe(length * loops)
          expect(heard.length).toBe(Math.ceil((length * loops) / 160) * 160)
          const wanted = Array.from({ length: length * loops }, (_, i) => samples[i % length] ?? 0)
          for (const [i, sample] of wanted.entries()) {
            expect(Math.abs((heard[i] ?? 0) - sample)).toBeLessThan(300)
          }
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('wav files', () => {
  const sine = (rate: number, hertz: number) =>
    Float64Array.from({ length: rate / 2 }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate))

  test.each([
    { rate: 8000, channels: 1, bits: 16 },
    { rate: 16_000, channels: 2, bits: 16 },
    { rate: 8000, channels: 2, bits: 8 },
    { rate: 44_100, channels: 1, bits: 16 },
    { rate: 6000, channels: 1, bits: 16 },
  ])('of $rate Hz, $channels channels and $bits bits sound the same', (format) => {
    const samples = readWav(wav(format, sine(format.rate, 700))) ?? new Int16Array()
    expect(samples.length).toBe(4000)
    expect(dominantFrequency(samples)).toBe(700)
    expect(levelDbfs(samples)).toBeCloseTo(-9, 0)
  })

  test('that are none are refused', () => {
    expect(readWav(Buffer.from('RIFFxxxxWAVE'))).toBeUndefined()
    expect(readWav(new Uint8Array())).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        readWav(bytes)
      }),
    )
  })
})

describe('listening', async () => {
  const load = async (name: string) =>
    readWavChannels(await readFile(`sip-scenarios/media/${name}.wav`))?.channels[0] ??
    new Int16Array()
  const alice = await load('voice-a')
  const bob = await load('voice-b')

  test('tells one voice from another, wherever it begins and however loud it is', () => {
    const quiet = Int16Array.from(alice, (sample) => sample / 8)
    const heard = new Int16Array(3000 + quiet.length + 500)
    heard.set(quiet, 3001)
    expect(likeness(heard, alice)).toBeGreaterThan(0.85)
    expect(contains(heard, bob)).toBe(false)
    expect(contains(alice, bob)).toBe(false)
    expect(contains(bob, alice)).toBe(false)
  })

  test('finds a voice among two, and with some packets lost', () => {
    const torn = alice.slice()
    for (let at = 4000; at < torn.length; at += 4000) torn.fill(0, at, at + 160)
    expect(contains(torn, alice)).toBe(true)
  })

  test('hears nothing in silence', () => {
    expect(dominantFrequency(new Int16Array(8000))).toBeUndefined()
    expect(toneShare(new Int16Array(8000), 450)).toBe(0)
    expect(contains(new Int16Array(8000), alice)).toBe(false)
    expect(contains(alice, new Int16Array(8000))).toBe(false)
    expect(levelDbfs(new Int16Array())).toBe(Number.NEGATIVE_INFINITY)
  })
})

function wav(format: { rate: number; channels: number; bits: number }, sound: Float64Array) {
  const { rate, channels, bits } = format
  const step = (channels * bits) / 8
  const bytes = Buffer.alloc(44 + sound.length * step)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(channels, 22)
  bytes.writeUInt32LE(rate, 24)
  bytes.writeUInt32LE(rate * step, 28)
  bytes.writeUInt16LE(step, 32)
  bytes.writeUInt16LE(bits, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(sound.length * step, 40)
  for (const [i, value] of sound.entries()) {
    for (let channel = 0; channel < channels; channel++) {
      const at = 44 + i * step + (channel * bits) / 8
      if (bits === 16) bytes.writeInt16LE(Math.round(value * 16_384), at)
      else bytes.writeUInt8(Math.round(128 + value * 64), at)
    }
  }
  return bytes
}
