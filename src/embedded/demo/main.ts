import { readDemoOptions } from './demo-options.ts'
import { type Demo, type Story, startDemo } from './run-demo.ts'
import { howToText, storyText } from './tell.ts'

/**
 * The demo behind `scripts/quickstart`: the embedded runtime and the engine, a call through X from
 * end to end, the story of it, and then a system that stays up to be tried out. `--once` ends
 * after the story; the exit code is 0 only if every point of it held.
 */
async function main(stopping: AbortController): Promise<number> {
  const { signal } = stopping
  const options = await readDemoOptions(process.env, process.argv.slice(2), sayLine)
  const closers: (() => Promise<void>)[] = []
  try {
    const demo = await startDemo({ options, env: process.env, signal, closers, step })
    const story = await Promise.race([demo.tellStory(signal), brokenBefore(demo)])
    if (signal.aborted) return 130
    say(storyText(demo, story))
    if (options.once) return story.points.every(({ held }) => held) ? 0 : 1

    say(howToText(demo))
    const broken = await Promise.race([demo.broken, untilAborted(signal)])
    if (broken === undefined) return 0
    throw new Error(broken)
  } catch (err) {
    if (signal.aborted) return 130
    throw err
  } finally {
    for (const close of closers.reverse()) {
      await close().catch((err: unknown) => complain(err))
    }
  }
}

async function brokenBefore(demo: Demo): Promise<Story> {
  throw new Error(await demo.broken)
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

const say = (text: string) => void process.stdout.write(text)
const sayLine = (text: string) => say(`  ${text}\n`)

function complain(err: unknown): void {
  process.stderr.write(`error: ${err instanceof Error ? err.message : String(err)}\n`)
}

/** One line for each thing that takes a moment. */
async function step<T>(text: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now()
  say(`  ${text} … `)
  try {
    const result = await work()
    say(`${((performance.now() - begun) / 1000).toFixed(1)} s\n`)
    return result
  } catch (err) {
    say('failed\n')
    throw err
  }
}

const stopping = new AbortController()
const stop = () => {
  // The second time somebody means it. What was started ends with us.
  if (stopping.signal.aborted) process.exit(130)
  stopping.abort()
}
process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
process.stdout.on('error', stop)

main(stopping).then(
  (code) => process.exit(code),
  (err: unknown) => {
    complain(err)
    process.exit(1)
  },
)
