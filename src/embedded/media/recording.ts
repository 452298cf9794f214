import { type Codec, decode, samplesPerFrame } from './g711.ts'
import { createWavWriter } from './wav-writer.ts'

/**
 * A recording of one channel: what was read from the party and what was written to it, put side by side (or added
 * up) on the 20 ms beat.
 */
export type Recording = {
  readonly path: string
  readonly stereo: boolean
  read(codec: Codec, payload: Uint8Array): void
  written(codec: Codec, payload: Uint8Array): void
  /** One beat: 20 ms go to the file. */
  tick(): void
  readonly samples: number
  /** Resolves when the file is complete. */
  stop(): Promise<boolean>
}

/**
 * Frames arrive when the network pleases and leave on the beat. After a gap, three frames are collected before
 * the first is used, so that 60 ms of jitter do not tear holes into speech; more than ten are cut back, since then
 * the sender's clock is faster than ours.
 */
const framesBeforeStart = 3
const framesMax = 10

export function createRecording(options: {
  path: string
  stereo: boolean
  /** Only one side: `record` takes what the party says, `record_session` both. */
  sides: 'both' | 'read'
  onError(error: Error): void
}): Recording {
  const { path, stereo, sides } = options
  const channels = stereo ? 2 : 1
  const writer = createWavWriter({ path, rate: 8000, channels, onError: options.onError })
  const left = createFrameQueue()
  const right = createFrameQueue()
  let samples = 0
  let stopped: Promise<boolean> | undefined

  return {
    path,
    stereo,
    get samples() {
      return samples
    },
    read(codec, payload) {
      left.put(decode(codec, payload))
    },
    written(codec, payload) {
      if (sides === 'both') right.put(decode(codec, payload))
    },
    tick() {
      if (stopped !== undefined) return
      const one = left.take()
      const two = right.take()
      writer.write(stereo ? interleave(one, two) : mix(one, two))
      samples += samplesPerFrame
    },
    stop() {
      stopped ??= writer.close()
      return stopped
    },
  }
}

function createFrameQueue() {
  let waiting: Int16Array[] = []
  let length = 0
  let started = false

  return {
    put(frame: Int16Array): void {
      waiting.push(frame)
      length += frame.length
      while (length > framesMax * samplesPerFrame) length -= waiting.shift()?.length ?? length
    },
    /** 20 ms, or undefined for silence. */
    take(): Int16Array | undefined {
      if (!started) started = length >= framesBeforeStart * samplesPerFrame
      if (!started) return undefined
      if (length < samplesPerFrame) {
        started = false
        return undefined
      }
      length -= samplesPerFrame
      const [first] = waiting
      if (first?.length === samplesPerFrame) {
        waiting.shift()
        return first
      }
      return cut()
    },
  }

  /** Senders with other packet times than 20 ms. */
  function cut(): Int16Array {
    const frame = new Int16Array(samplesPerFrame)
    let filled = 0
    while (filled < samplesPerFrame) {
      const [first] = waiting
      if (first === undefined) break
      const piece = first.subarray(0, samplesPerFrame - filled)
      frame.set(piece, filled)
      filled += piece.length
      if (piece.length === first.length) waiting = waiting.slice(1)
      else waiting[0] = first.subarray(piece.length)
    }
    return frame
  }
}

function interleave(left: Int16Array | undefined, right: Int16Array | undefined): Int16Array {
  const samples = new Int16Array(2 * samplesPerFrame)
  for (let i = 0; i < samplesPerFrame; i++) {
    samples[2 * i] = left?.[i] ?? 0
    samples[2 * i + 1] = right?.[i] ?? 0
  }
  return samples
}

function mix(one: Int16Array | undefined, two: Int16Array | undefined): Int16Array {
  const samples = new Int16Array(samplesPerFrame)
  for (let i = 0; i < samplesPerFrame; i++) {
    const sum = (one?.[i] ?? 0) + (two?.[i] ?? 0)
    samples[i] = Math.max(-32_768, Math.min(32_767, sum))
  }
  return samples
}
