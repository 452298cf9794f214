import { type Codec, encode, samplesPerFrame, silenceByte } from './g711.ts'

/** Something that can be played: one round of samples at 8 kHz, and how often. */
export type Sound = { readonly samples: Int16Array; readonly loops: number }

/** Encoded forms, so that a prompt heard by a hundred callers is encoded once. */
const encodedForms = new WeakMap<Int16Array, Partial<Record<Codec, Uint8Array>>>()

export type SoundCursor = {
  /** The next 20 ms, padded with silence at the end, or undefined when all is played. */
  next(codec: Codec): Uint8Array | undefined
  readonly playedSamples: number
  /** Nothing is left. */
  readonly over: boolean
}

export function playSound(sound: Sound, fromSample = 0): SoundCursor {
  const { length } = sound.samples
  let at = Math.min(fromSample, length)
  let loopsLeft = sound.loops
  let playedSamples = 0

  function advance(samples: number): void {
    at += samples
    playedSamples += samples
    if (at < length) return
    at = 0
    loopsLeft--
  }

  function across(bytes: Uint8Array, codec: Codec): Uint8Array {
    const frame = new Uint8Array(samplesPerFrame).fill(silenceByte[codec])
    let filled = 0
    while (filled < samplesPerFrame && loopsLeft > 0) {
      const piece = bytes.subarray(at, at + samplesPerFrame - filled)
      frame.set(piece, filled)
      filled += piece.length
      advance(piece.length)
    }
    return frame
  }

  return {
    get playedSamples() {
      return playedSamples
    },
    get over() {
      return length === 0 || loopsLeft <= 0
    },
    next(codec) {
      if (length === 0 || loopsLeft <= 0) return undefined
      const bytes = encodedForm(sound.samples, codec)
      if (at + samplesPerFrame > length) return across(bytes, codec)
      const frame = bytes.subarray(at, at + samplesPerFrame)
      advance(samplesPerFrame)
      return frame
    },
  }
}

function encodedForm(samples: Int16Array, codec: Codec): Uint8Array {
  const forms = encodedForms.get(samples) ?? {}
  const known = forms[codec]
  if (known !== undefined) return known
  const bytes = encode(codec, samples)
  encodedForms.set(samples, { ...forms, [codec]: bytes })
  return bytes
}
