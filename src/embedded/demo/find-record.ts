import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readWavChannels } from '../media/wav-file.ts'
import type { Api } from './api.ts'

/** `GET /v1/calls`, as far as the story reads it; the rest is printed as it is. */
export type CallRecord = Readonly<Record<string, unknown>> & {
  readonly id: string
  readonly callTime: string
  readonly startTime?: string
  readonly releaseTime?: string
  readonly releaseReason?: string
  readonly recorded: boolean
}

export type Recording = {
  readonly file: string
  readonly seconds: number
  /** Left is A, right is B. */
  readonly channels: readonly Int16Array[]
}

/** Journal, stream and database in turn: a second at most when all is well. */
const recordMsMax = 20_000

export async function findRecord(
  api: Api,
  bindingId: string,
  placedAt: Date,
): Promise<CallRecord | undefined> {
  const until = Date.now() + recordMsMax
  // Rounded down: times in records may be shorter than ours.
  const since = new Date(Math.floor(placedAt.getTime() / 1000) * 1000).toISOString()
  const path = `/v1/calls?bindingId=${bindingId}&since=${since}`
  while (Date.now() < until) {
    const { items } = await api.get<{ items: readonly CallRecord[] }>(path)
    const ended = items.find(({ releaseTime }) => releaseTime !== undefined)
    if (ended !== undefined) return ended
    await sleep(200)
  }
  return undefined
}

/** Media servers write the last of it a moment after the call. */
const recordingMsMax = 10_000
const settledMs = 300

/** The file that carries the call's id in its name, when it grows no more. */
export async function findRecording(
  recordingsDir: string,
  callId: string,
): Promise<Recording | undefined> {
  const until = Date.now() + recordingMsMax
  let last = await readRecording(recordingsDir, callId)
  while (Date.now() < until) {
    await sleep(settledMs)
    const now = await readRecording(recordingsDir, callId)
    if (now !== undefined && now.seconds > 0 && now.seconds === last?.seconds) return now
    last = now
  }
  return last
}

async function readRecording(
  recordingsDir: string,
  callId: string,
): Promise<Recording | undefined> {
  const names = await readdir(recordingsDir, { recursive: true }).catch((): string[] => [])
  const name = names.find((each) => each.includes(callId) && each.endsWith('.wav'))
  if (name === undefined) return undefined
  const file = join(recordingsDir, name)
  const wav = readWavChannels(await readFile(file))
  if (wav === undefined) return undefined
  const [first] = wav.channels
  return { file, seconds: (first?.length ?? 0) / wav.rate, channels: wav.channels }
}
