import { readFile, stat } from 'node:fs/promises'
import { samplesPerFrame, samplesPerMs } from './g711.ts'
import type { Sound } from './sound.ts'
import { tickMs } from './ticker.ts'
import { toneStream } from './tone-stream.ts'
import { readWav } from './wav-file.ts'

/** Finds what a playback names: a wav file, a tone or silence. */
export type SoundLibrary = {
  /** Undefined when there is no such file, or it cannot be understood. */
  load(name: string): Promise<Sound | undefined>
}

/** 16 MB of samples are some 17 minutes of prompts; the least lately used go first. */
const cachedSamplesMax = 8_000_000
/** An hour of 16 kHz stereo. Above that it is not an announcement. */
const fileBytesMax = 256 * 1024 * 1024

export function createSoundLibrary(): SoundLibrary {
  const cache = new Map<string, Sound>()
  let cachedSamples = 0

  function remember(key: string, sound: Sound): Sound {
    cache.set(key, sound)
    cachedSamples += sound.samples.length
    for (const [oldest, old] of cache) {
      if (cachedSamples <= cachedSamplesMax) break
      cache.delete(oldest)
      cachedSamples -= old.samples.length
    }
    return sound
  }

  function recall(key: string): Sound | undefined {
    const sound = cache.get(key)
    if (sound === undefined) return undefined
    cache.delete(key)
    cache.set(key, sound)
    return sound
  }

  async function file(path: string): Promise<Sound | undefined> {
    const facts = await stat(path).catch(() => undefined)
    if (facts === undefined || !facts.isFile() || facts.size > fileBytesMax) return undefined
    const key = `${path} ${facts.mtimeMs} ${facts.size}`
    const known = recall(key)
    if (known !== undefined) return known
    const bytes = await readFile(path).catch(() => undefined)
    const samples = bytes === undefined ? undefined : readWav(bytes)
    return samples === undefined ? undefined : remember(key, { samples, loops: 1 })
  }

  return {
    async load(name) {
      // Channel variables for this file only, `{a=b}file`, say nothing about how it sounds.
      const path = name.replace(/^\{[^}]*\}/, '')
      const [scheme, rest] = splitScheme(path)
      switch (scheme) {
        case 'tone_stream': {
          const known = recall(path)
          if (known !== undefined) return known
          const tone = toneStream(rest)
          return tone === undefined ? undefined : remember(path, tone)
        }
        case 'silence_stream':
          return silence(rest)
        case undefined:
        case 'file':
          return file(rest)
        default:
          return undefined
      }
    },
  }
}

function splitScheme(path: string): [string | undefined, string] {
  const match = /^([a-z_]+):\/\/(.*)$/s.exec(path)
  return match === null ? [undefined, path] : [match[1], match[2] ?? '']
}

const silentFrame = new Int16Array(samplesPerFrame)

function silence(text: string): Sound | undefined {
  const ms = Number.parseInt(text, 10)
  if (!Number.isInteger(ms)) return undefined
  if (ms < 0) return { samples: silentFrame, loops: Number.POSITIVE_INFINITY }
  if (ms % tickMs === 0) return { samples: silentFrame, loops: ms / tickMs }
  return { samples: new Int16Array(Math.min(ms, 60_000) * samplesPerMs), loops: 1 }
}
