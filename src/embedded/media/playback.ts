import type { ApplicationResult, Channel, RunningApplication, StopReason } from './channel.ts'
import { samplesPerMs } from './g711.ts'
import { playSound, type SoundCursor } from './sound.ts'
import type { SoundLibrary } from './sound-library.ts'

/** How a row of files ended. */
export type PlaybackEnd = 'played' | 'not-found' | 'broken' | 'cut' | 'digit' | 'timeout'

/**
 * Plays files one after the other on a channel, with a START and a STOP event around each. Loading is
 * asynchronous (a prompt that was heard before is in memory); the beats in between are silent.
 */
export function playFiles(options: {
  channel: Channel
  library: SoundLibrary
  files: readonly string[]
  onEnd(end: PlaybackEnd): void
}): { tick(): void; stop(end: PlaybackEnd): void } {
  const { channel, library, files, onEnd } = options
  const timeoutSeconds = Number(channel.variables.get('playback_timeout_sec') ?? 0)
  let beatsLeft = timeoutSeconds > 0 ? timeoutSeconds * 50 : Number.POSITIVE_INFINITY
  let index = -1
  let cursor: SoundCursor | undefined
  let ended = false
  let lastFound = false

  function path(): string {
    return files[index] ?? ''
  }

  function end(how: PlaybackEnd): void {
    if (ended) return
    ended = true
    stopFile(how === 'broken' || how === 'digit' ? 'break' : 'done')
    onEnd(how)
  }

  function stopFile(status: 'done' | 'break'): void {
    if (cursor === undefined) return
    const ms = Math.round(cursor.playedSamples / samplesPerMs)
    channel.variables.set('playback_ms', String(ms))
    channel.variables.set('playback_seconds', String(Math.floor(ms / 1000)))
    channel.variables.set('playback_samples', String(cursor.playedSamples))
    channel.variables.set('playback_last_offset_pos', String(cursor.playedSamples))
    cursor = undefined
    channel.emit('PLAYBACK_STOP', {
      ...fileFields(path()),
      'Playback-Status': status,
      ...playbackFields(channel),
    })
  }

  function next(): void {
    index++
    if (index >= files.length) {
      end(lastFound ? 'played' : 'not-found')
      return
    }
    const [name = '', offset] = path().split('@@')
    const loadingIndex = index
    void library.load(name).then((sound) => {
      if (ended || loadingIndex !== index) return
      lastFound = sound !== undefined
      if (sound === undefined) {
        next()
        return
      }
      cursor = playSound(sound, Number(offset) || 0)
      channel.emit('PLAYBACK_START', fileFields(path()))
    })
  }

  next()
  return {
    tick() {
      if (ended || cursor === undefined) return
      if (beatsLeft-- <= 0) {
        end('timeout')
        return
      }
      const frame = cursor.next(channel.codec)
      if (frame !== undefined) channel.play(frame)
      if (!cursor.over) return
      stopFile('done')
      next()
    },
    stop: end,
  }
}

/** The application `playback`. */
export function startPlayback(run: {
  channel: Channel
  argument: string
  library: SoundLibrary
  finish(result: ApplicationResult): void
}): RunningApplication {
  const { channel, argument, library, finish } = run
  const delimiter = channel.variables.get('playback_delimiter')
  const files = delimiter === undefined || delimiter === '' ? [argument] : argument.split(delimiter)
  const terminators = channel.variables.get('playback_terminators') ?? 'none'
  const player = playFiles({
    channel,
    library,
    files,
    onEnd: (end) => finish({ response: responses[end], fields: playbackFields(channel) }),
  })
  return {
    tick: player.tick,
    stop: (why) => player.stop(stopEnds[why]),
    digit(digit) {
      if (terminators === 'none' || !(terminators === 'any' || terminators.includes(digit))) return
      channel.variables.set('playback_terminator_used', digit)
      player.stop('digit')
    },
  }
}

const stopEnds: Readonly<Record<StopReason, PlaybackEnd>> = { break: 'broken', cut: 'cut' }

const responses: Readonly<Record<PlaybackEnd, string>> = {
  played: 'FILE PLAYED',
  broken: 'FILE PLAYED',
  digit: 'FILE PLAYED',
  timeout: 'FILE PLAYED',
  'not-found': 'FILE NOT FOUND',
  cut: 'PLAYBACK ERROR',
}

function fileFields(path: string) {
  const scheme = /^([a-z_]+):\/\//.exec(path)?.[1] ?? 'file'
  const type = scheme === 'silence_stream' ? {} : { 'Playback-File-Type': scheme }
  return { 'Playback-File-Path': path, ...type }
}

/** What the last playback left behind, for events. */
export function playbackFields({ variables }: Channel): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const name of playbackVariables) {
    const value = variables.get(name)
    if (value !== undefined) fields[`variable_${name}`] = value
  }
  return fields
}

const playbackVariables = [
  'playback_ms',
  'playback_seconds',
  'playback_samples',
  'playback_last_offset_pos',
  'playback_terminator_used',
]
