import type { ApplicationResult, Channel, RunningApplication, StartApplication } from './channel.ts'
import { startCollectDigits } from './collect-digits.ts'
import { splitOnce } from './esl-text.ts'
import { samplesPerMs } from './g711.ts'
import { isCause } from './hangup-cause.ts'
import { startPlayback } from './playback.ts'
import type { Recorder } from './recorder.ts'
import type { SoundLibrary } from './sound-library.ts'
import { tickMs } from './ticker.ts'

const none: ApplicationResult = { response: '_none_' }

/** The applications that `sendmsg` can execute, by name. An unknown one hangs up, as on the real server. */
export function createApplications(deps: {
  library: SoundLibrary
  recorder: Recorder
}): ReadonlyMap<string, StartApplication> {
  const { library, recorder } = deps
  return new Map<string, StartApplication>([
    ['playback', (run) => startPlayback({ ...run, library })],
    ['play_and_get_digits', (run) => startCollectDigits({ ...run, library })],
    ['record', (run) => startRecord(run, recorder)],
    ['record_session', atOnce((channel, argument) => startSession(recorder, channel, argument))],
    ['stop_record_session', (run) => stopSession(run, recorder)],
    ['set', atOnce(setVariable)],
    ['export', atOnce(setVariable)],
    ['unset', atOnce(({ variables }, name) => variables.delete(name))],
    ['multiset', atOnce(setVariables)],
    ['set_mute', atOnce(setMute)],
    ['send_dtmf', atOnce(sendDigits)],
    ['sleep', startSleep],
    ['park', startPark],
    ['hangup', startHangup],
    ...['answer', 'pre_answer', 'start_dtmf', 'stop_dtmf', 'log', 'info', 'flush_dtmf'].map(
      (name): [string, StartApplication] => [name, atOnce(() => undefined)],
    ),
  ])
}

function atOnce(work: (channel: Channel, argument: string) => unknown): StartApplication {
  return ({ channel, argument, finish }) => {
    work(channel, argument)
    finish(none)
    return undefined
  }
}

function setVariable({ variables }: Channel, assignment: string): void {
  const [name, value = ''] = splitOnce(assignment, '=')
  if (name === '') return
  if (value === '') variables.delete(name)
  else variables.set(name, value)
}

/** `^^<separator>a=b<separator>c=d`, or separated by spaces. */
function setVariables(channel: Channel, argument: string): void {
  const marked = argument.startsWith('^^')
  const separator = marked ? argument.charAt(2) : ' '
  const assignments = (marked ? argument.slice(3) : argument).split(separator)
  for (const assignment of assignments) setVariable(channel, assignment)
}

function setMute(channel: Channel, argument: string): void {
  const [direction = '', level = ''] = argument.split(' ')
  const muted = level === 'true' || Number(level) > 0
  if (direction === 'read') channel.readMuted = muted
  if (direction === 'write') channel.writeMuted = muted
}

/** `digits[@ms]`. */
function sendDigits({ rtp }: Channel, argument: string): void {
  const [digits, ms] = splitOnce(argument, '@')
  const duration = (Number(ms) || 250) * samplesPerMs
  for (const digit of digits) rtp.sender.queueDigit(digit, duration)
}

function startSleep({ argument, finish }: Parameters<StartApplication>[0]): RunningApplication {
  let leftMs = Math.max(0, Number(argument) || 0)
  return {
    tick() {
      leftMs -= tickMs
      if (leftMs <= 0) finish(none)
    },
    stop: () => finish(none),
  }
}

/** Only marks where the channel is: it waits for messages in any case. */
function startPark({ channel, finish }: Parameters<StartApplication>[0]): undefined {
  channel.base = 'park'
  finish(none)
}

function startHangup({ channel, argument, finish }: Parameters<StartApplication>[0]): undefined {
  const cause = isCause(argument) ? argument : 'NORMAL_CLEARING'
  finish({ response: '_none_', fields: { 'Hangup-Cause': cause, 'Answer-State': 'hangup' } })
  channel.hangUp(cause)
}

/** Ends when the file is whole. */
function stopSession(
  { channel, argument, finish }: Parameters<StartApplication>[0],
  recorder: Recorder,
): RunningApplication {
  void recorder.stop(channel, argument).then(() => finish(none))
  return { tick: () => undefined, stop: () => finish(none) }
}

function startSession(recorder: Recorder, channel: Channel, argument: string): void {
  const [path = '', limit] = argument.split(/\s+\+?(?=\d+$)/)
  recorder.startSession(channel, path, Number(limit) || 0)
}

/** `record <path> [<limit seconds>] …`: takes what the party says until the limit, a break or a digit. */
function startRecord(
  { channel, argument, finish }: Parameters<StartApplication>[0],
  recorder: Recorder,
): RunningApplication | undefined {
  const [path = '', limit] = argument.trim().split(/\s+/)
  const recording = recorder.startRecord(channel, path)
  if (recording === undefined) {
    finish(none)
    return undefined
  }
  const samplesMax = (Number(limit) || Number.POSITIVE_INFINITY) * 1000 * samplesPerMs
  const terminators = channel.variables.get('playback_terminators') ?? 'none'
  let ended = false

  function end(): void {
    if (ended || recording === undefined) return
    ended = true
    channel.recordings.delete(recording.path)
    const ms = Math.round(recording.samples / samplesPerMs)
    const fields = {
      variable_record_samples: String(recording.samples),
      variable_record_ms: String(ms),
      variable_record_seconds: String(Math.floor(ms / 1000)),
    }
    // The file is whole when the client is told.
    void recording.stop().then(() => finish({ response: '_none_', fields }))
  }

  return {
    tick() {
      if (recording.samples >= samplesMax) end()
    },
    stop: end,
    digit(digit) {
      if (terminators === 'any' || (terminators !== 'none' && terminators.includes(digit))) end()
    },
  }
}
