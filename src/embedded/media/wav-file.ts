import wavefile from 'wavefile'
import { decode } from './g711.ts'

/**
 * A wav file as 8 kHz mono samples: PCM of 8 or 16 bit, or G.711, any rate, any number of channels.
 * The package finds and checks the chunks; its sample access is a call per number, so the samples are taken from
 * the raw bytes of its data chunk.
 */
export function readWav(file: Uint8Array): Int16Array | undefined {
  const format = readFormat(file)
  if (format === undefined) return undefined
  const samples = toMono(toLinear(format), format.channels)
  return resample(samples, format.rate)
}

/** Every channel by itself, at its own rate: to look at recordings. */
export function readWavChannels(
  file: Uint8Array,
): { rate: number; channels: Int16Array[] } | undefined {
  const format = readFormat(file)
  if (format === undefined) return undefined
  const samples = toLinear(format)
  const frames = Math.floor(samples.length / format.channels)
  const channels = Array.from({ length: format.channels }, (_, channel) =>
    Int16Array.from({ length: frames }, (_each, i) => samples[i * format.channels + channel] ?? 0),
  )
  return { rate: format.rate, channels }
}

type Format = {
  readonly coding: number
  readonly rate: number
  readonly channels: number
  readonly bits: number
  readonly bytes: Uint8Array
}

const codings = { linear: 1, alaw: 6, mulaw: 7, extensible: 0xfffe }
const outputRate = 8000

function readFormat(file: Uint8Array): Format | undefined {
  try {
    const wav = new wavefile.WaveFile(file)
    // The package types both chunks as plain objects.
    const fmt = wav.fmt as {
      audioFormat: number
      numChannels: number
      sampleRate: number
      bitsPerSample: number
    }
    const data = wav.data as { samples: Uint8Array }
    const bytes = data.samples
    const format = {
      coding: fmt.audioFormat,
      rate: fmt.sampleRate,
      channels: fmt.numChannels,
      bits: fmt.bitsPerSample,
      bytes,
    }
    return isReadable(format) ? format : undefined
  } catch {
    return undefined
  }
}

function isReadable({ coding, rate, channels, bits }: Format): boolean {
  const linear = coding === codings.linear || coding === codings.extensible
  const known = linear
    ? bits === 8 || bits === 16
    : coding === codings.alaw || coding === codings.mulaw
  return known && rate >= 4000 && rate <= 192_000 && channels >= 1 && channels <= 8
}

function toLinear({ coding, bits, bytes }: Format): Int16Array {
  if (coding === codings.alaw) return decode('PCMA', bytes)
  if (coding === codings.mulaw) return decode('PCMU', bytes)
  if (bits === 8) return Int16Array.from(bytes, (byte) => (byte - 128) << 8)
  const whole = bytes.byteLength - (bytes.byteLength % 2)
  // A copy, since the chunk may begin at an odd address.
  const copy = bytes.slice(0, whole)
  return new Int16Array(copy.buffer, copy.byteOffset, whole / 2)
}

function toMono(samples: Int16Array, channels: number): Int16Array {
  if (channels === 1) return samples
  const mono = new Int16Array(Math.floor(samples.length / channels))
  for (let i = 0; i < mono.length; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) {
      sum += samples[i * channels + channel] as number
    }
    mono[i] = Math.round(sum / channels)
  }
  return mono
}

/**
 * Average over each output sample's span when there is more than we need (a plain low-pass, good enough for a
 * telephone's 3.4 kHz), straight lines in between when there is less.
 */
function resample(samples: Int16Array, rate: number): Int16Array {
  if (rate === outputRate) return samples
  const ratio = rate / outputRate
  const output = new Int16Array(Math.floor(samples.length / ratio))
  for (let i = 0; i < output.length; i++) {
    output[i] = ratio > 1 ? mean(samples, i * ratio, ratio) : between(samples, i * ratio)
  }
  return output
}

function mean(samples: Int16Array, from: number, span: number): number {
  const first = Math.floor(from)
  const last = Math.min(samples.length, Math.max(first + 1, Math.floor(from + span)))
  let sum = 0
  for (let i = first; i < last; i++) sum += samples[i] as number
  return Math.round(sum / (last - first))
}

function between(samples: Int16Array, at: number): number {
  const before = Math.floor(at)
  const here = samples[before] ?? 0
  const after = samples[before + 1] ?? here
  return Math.round(here + (after - here) * (at - before))
}
