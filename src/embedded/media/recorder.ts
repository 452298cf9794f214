import type { Channel } from './channel.ts'
import { samplesPerMs } from './g711.ts'
import { createRecording, type Recording } from './recording.ts'

/** Starts and stops recordings, and knows which are open. */
export type Recorder = {
  startSession(channel: Channel, path: string, limitSeconds: number): boolean
  startRecord(channel: Channel, path: string): Recording | undefined
  /** `all`, or one path. Resolves when the files are whole; false when there is no such recording. */
  stop(channel: Channel, path: string): Promise<boolean>
  readonly open: number
  /** Resolves when all files are closed. */
  settle(): Promise<void>
}

export function createRecorder(deps: { warn(text: string): void }): Recorder {
  const open = new Set<Recording>()
  const closing = new Set<Promise<unknown>>()

  function start(options: {
    channel: Channel
    path: string
    stereo: boolean
    sides: 'both' | 'read'
    samplesMax: number
  }): Recording | undefined {
    const { channel, path, samplesMax } = options
    if (path === '') return undefined
    const recording = createRecording({
      ...options,
      onError: (error) => deps.warn(`recording ${path}: ${error.message}`),
    })
    const tracked: Recording = {
      ...recording,
      get samples() {
        return recording.samples
      },
      tick() {
        recording.tick()
        if (recording.samples >= samplesMax) void channel.stopRecording(tracked)
      },
      stop() {
        const done = recording.stop()
        if (open.delete(tracked)) {
          closing.add(done)
          void done.then(() => closing.delete(done))
        }
        return done
      },
    }
    open.add(tracked)
    channel.recordings.set(path, tracked)
    channel.emit('RECORD_START', { 'Record-File-Path': path })
    return tracked
  }

  return {
    get open() {
      return open.size + closing.size
    },
    startSession(channel, path, limitSeconds) {
      // Twice is once, and no error.
      if (channel.recordings.has(path)) return true
      const recording = start({
        channel,
        path,
        stereo: isTrue(channel.variables.get('RECORD_STEREO')),
        sides: 'both',
        samplesMax: (limitSeconds || Number.POSITIVE_INFINITY) * 1000 * samplesPerMs,
      })
      return recording !== undefined
    },
    startRecord: (channel, path) =>
      channel.recordings.has(path)
        ? undefined
        : start({
            channel,
            path,
            stereo: false,
            sides: 'read',
            samplesMax: Number.POSITIVE_INFINITY,
          }),
    async stop(channel, path) {
      const chosen = [...channel.recordings.values()].filter(
        (recording) => path === 'all' || recording.path === path,
      )
      await Promise.all(chosen.map((recording) => channel.stopRecording(recording)))
      return chosen.length > 0
    },
    async settle() {
      await Promise.all(closing)
    },
  }
}

/** The words that the real server takes for yes. */
function isTrue(value: string | undefined): boolean {
  return /^(true|yes|on|enabled?|active|allow|[1-9]\d*)$/i.test(value ?? '')
}
