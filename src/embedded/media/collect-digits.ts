import type { ApplicationResult, Channel, RunningApplication } from './channel.ts'
import { playbackFields, playFiles } from './playback.ts'
import type { SoundLibrary } from './sound-library.ts'
import { tickMs } from './ticker.ts'

/**
 * `play_and_get_digits <min> <max> <tries> <timeout> <terminators> <file> <invalid file> <variable> <regexp>
 * [<digit timeout>]`. The first digit stops the prompt; the collection ends with `max` digits, a terminator, or
 * a wait that is too long.
 */
export function startCollectDigits(run: {
  channel: Channel
  argument: string
  library: SoundLibrary
  finish(result: ApplicationResult): void
}): RunningApplication {
  const { channel, library, finish } = run
  const plan = readPlan(run.argument)
  const { variables } = channel
  let triesLeft = plan.tries
  let digits = ''
  let waitedMs = 0
  let phase: 'prompt' | 'waiting' | 'invalid' | 'over' = 'prompt'
  let player = prompt()
  variables.delete(plan.variable)
  variables.delete(`${plan.variable}_invalid`)
  variables.delete('read_terminator_used')

  function prompt() {
    return playFiles({
      channel,
      library,
      files: [plan.file],
      onEnd: (end) => {
        if (end === 'cut') over()
        else if (phase === 'prompt') phase = 'waiting'
      },
    })
  }

  function over(): void {
    if (phase === 'over') return
    phase = 'over'
    const fields = { ...playbackFields(channel), ...digitFields(channel, plan.variable) }
    finish({ response: '_none_', fields })
  }

  function judge(): void {
    const good = digits.length >= plan.min && (digits === '' || plan.pattern.test(digits))
    if (good) {
      if (digits !== '') variables.set(plan.variable, digits)
      over()
      return
    }
    if (digits !== '') variables.set(`${plan.variable}_invalid`, digits)
    digits = ''
    waitedMs = 0
    triesLeft--
    phase = 'invalid'
    player = playFiles({
      channel,
      library,
      files: [plan.invalidFile],
      onEnd: (end) => (end === 'cut' || triesLeft <= 0 ? over() : again()),
    })
  }

  function again(): void {
    phase = 'prompt'
    player = prompt()
  }

  return {
    tick() {
      if (phase !== 'waiting') {
        player.tick()
        return
      }
      waitedMs += tickMs
      if (waitedMs >= (digits === '' ? plan.timeoutMs : plan.digitTimeoutMs)) judge()
    },
    stop(why) {
      player.stop(why === 'cut' ? 'cut' : 'broken')
      over()
    },
    digit(digit) {
      if (phase !== 'prompt' && phase !== 'waiting') return
      if (phase === 'prompt') player.stop('digit')
      waitedMs = 0
      if (plan.terminators.includes(digit)) {
        variables.set('read_terminator_used', digit)
        judge()
        return
      }
      digits += digit
      if (digits.length >= plan.max) judge()
    },
  }
}

type Plan = {
  readonly min: number
  readonly max: number
  readonly tries: number
  readonly timeoutMs: number
  readonly terminators: string
  readonly file: string
  readonly invalidFile: string
  readonly variable: string
  readonly pattern: RegExp
  readonly digitTimeoutMs: number
}

function readPlan(argument: string): Plan {
  const words = argument.split(' ')
  const number = (at: number, otherwise: number) => {
    const value = Number(words[at])
    return Number.isFinite(value) ? value : otherwise
  }
  const timeoutMs = number(3, 5000)
  return {
    min: number(0, 0),
    max: Math.min(128, Math.max(1, number(1, 128))),
    tries: Math.max(1, number(2, 1)),
    timeoutMs,
    terminators: words[4] === 'none' ? '' : (words[4] ?? '#'),
    file: words[5] ?? '',
    invalidFile: words[6] ?? '',
    variable: words[7] ?? 'digits',
    pattern: safePattern(words[8] ?? ''),
    digitTimeoutMs: number(9, timeoutMs),
  }
}

function safePattern(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    return /^/
  }
}

function digitFields({ variables }: Channel, variable: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const name of [variable, `${variable}_invalid`, 'read_terminator_used']) {
    const value = variables.get(name)
    if (value !== undefined) fields[`variable_${name}`] = value
  }
  return fields
}
