import { samplesPerMs } from './g711.ts'
import type { Sound } from './sound.ts'

/**
 * `tone_stream://%(on,off,f1[,f2…]);…;loops=n`: on and off in milliseconds, frequencies in hertz, any number of
 * segments. `v=-10` sets the level in dB for what follows, `L=2` repeats what follows, `loops=-1` is for ever.
 */
export function toneStream(text: string): Sound | undefined {
  const state: Painter = { pieces: [], samples: 0, level: defaultLevelDb, repeat: 1 }
  let loops = 1
  for (const part of text.split(';').map((each) => each.trim())) {
    if (part === '') continue
    const [name, value] = part.split('=', 2)
    if (name === 'loops') loops = Number(value)
    else if (!paint(part, state)) return undefined
  }
  if (state.samples === 0 || !Number.isInteger(loops) || loops === 0) return undefined
  const samples = new Int16Array(state.samples)
  let at = 0
  for (const piece of state.pieces) {
    samples.set(piece, at)
    at += piece.length
  }
  return { samples, loops: loops < 0 ? Number.POSITIVE_INFINITY : loops }
}

type Painter = { pieces: Int16Array[]; samples: number; level: number; repeat: number }

/** The level that FreeSWITCH's own generator starts from. */
const defaultLevelDb = -7
/** Full scale of a G.711 codec, in dBm0. */
const fullScaleDb = 3.14 + 3.02
const fullScale = 32_767 * Math.SQRT2
/** One round of the whole thing is kept in memory: a minute is half a megabyte. */
const samplesMax = 60_000 * samplesPerMs
const frequenciesMax = 8

function paint(part: string, state: Painter): boolean {
  const setting = /^(v|L)=(-?\d+(?:\.\d+)?)$/.exec(part)
  if (setting !== null) {
    if (setting[1] === 'v') state.level = Number(setting[2])
    else state.repeat = Math.min(100, Math.max(1, Number(setting[2])))
    return true
  }
  const tone = /^%\(([\d.,\s]+)\)$/.exec(part)
  if (tone === null) return false
  const [onMs = 0, offMs = 0, ...frequencies] = (tone[1] ?? '').split(',').map(Number)
  if (frequencies.length === 0 || frequencies.length > frequenciesMax) return false
  const on = Math.round(onMs * samplesPerMs)
  const length = on + Math.round(offMs * samplesPerMs)
  const piece = new Int16Array(Math.min(length, samplesMax))
  sine(piece.subarray(0, on), frequencies, amplitudeOf(state.level))
  for (let i = 0; i < state.repeat; i++) {
    if (state.samples + piece.length > samplesMax) return false
    state.pieces.push(piece)
    state.samples += piece.length
  }
  return true
}

function amplitudeOf(levelDb: number): number {
  return 10 ** ((levelDb - fullScaleDb) / 20) * fullScale
}

function sine(samples: Int16Array, frequencies: readonly number[], amplitude: number): void {
  const steps = frequencies.map((hertz) => (2 * Math.PI * hertz) / (samplesPerMs * 1000))
  for (let i = 0; i < samples.length; i++) {
    let sum = 0
    for (const step of steps) sum += Math.sin(step * i)
    samples[i] = Math.max(-32_768, Math.min(32_767, Math.round(sum * amplitude)))
  }
}
