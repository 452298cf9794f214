import { decode } from '../media/g711.ts'
import type { AudioFrame } from '../media/rtp-sender.ts'

/** What came in over RTP in one call, kept for a look afterwards. */
export type HeardAudio = {
  readonly packets: number
  /** Milliseconds since the call began. */
  readonly firstPacketMs: number | undefined
  readonly samples: Int16Array
  /** The part of it that came before the call was answered. */
  readonly earlyPackets: number
  readonly earlySamples: Int16Array
}

/** Five minutes; what comes after is counted, not kept. */
const framesMax = 15_000

export function createHeardAudio(sinceMs: () => number) {
  const frames: Int16Array[] = []
  let packets = 0
  let firstPacketMs: number | undefined
  let early: { packets: number; frames: number } | undefined

  return {
    take({ codec, payload }: AudioFrame): void {
      packets++
      firstPacketMs ??= sinceMs()
      if (frames.length < framesMax) frames.push(decode(codec, payload))
    },
    /** What has come so far was early media. */
    answered(): void {
      early ??= { packets, frames: frames.length }
    },
    look(): HeardAudio {
      const before = early ?? { packets, frames: frames.length }
      return {
        packets,
        firstPacketMs,
        samples: joined(frames),
        earlyPackets: before.packets,
        earlySamples: joined(frames.slice(0, before.frames)),
      }
    },
  }
}

function joined(frames: readonly Int16Array[]): Int16Array {
  const samples = new Int16Array(frames.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const frame of frames) {
    samples.set(frame, at)
    at += frame.length
  }
  return samples
}
