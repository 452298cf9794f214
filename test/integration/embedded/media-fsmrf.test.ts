import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Srf from 'drachtio-srf'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { readWav, readWavChannels } from '../../../src/embedded/media/wav-file.ts'
import {
  contains,
  dominantFrequency,
  levelDbfs,
  toneShare,
} from '../../../src/embedded/phone/listen.ts'
import { createPhone, type Phone, type PhoneOptions } from '../../../src/embedded/phone/phone.ts'
import type { PhoneCall } from '../../../src/embedded/phone/phone-call.ts'
import { header } from '../../../src/embedded/sip/message.ts'
import {
  type MediaEndpoint,
  type MediaRuntime,
  startMediaRuntime,
  until,
} from '../../support/media-runtime.ts'

/** The media server, driven by the unmodified drachtio-srf and drachtio-fsmrf; phones at both ends. */
let runtime: MediaRuntime
let dir: string
let voiceA: Int16Array
let voiceB: Int16Array
const phones: Phone[] = []
/** Who waits for the endpoint of which call, by Call-ID. */
const arrivals = new Map<string, (endpoint: MediaEndpoint) => void>()

beforeAll(async () => {
  runtime = await startMediaRuntime()
  runtime.srf.invite((req, res) => void answerFromEndpoint(req, res))
  dir = await mkdtemp(join(tmpdir(), 'axbridge-media-'))
  voiceA = await voice('voice-a')
  voiceB = await voice('voice-b')
})

afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.stop()
  if (runtime.counts === undefined) return
  const { counts } = runtime
  await until('nothing left of the calls', async () => {
    const { endpoints, rtpSockets, recordings, dialogs } = await counts()
    return endpoints === 0 && rtpSockets === 0 && recordings === 0 && dialogs === 0
  })
})

afterAll(async () => {
  await runtime.stop()
  await rm(dir, { recursive: true })
})

async function voice(name: string): Promise<Int16Array> {
  const samples = readWav(await readFile(`sip-scenarios/media/${name}.wav`))
  if (samples === undefined) throw new Error(`${name}.wav cannot be read`)
  return samples
}

async function phone(options: Partial<PhoneOptions> = {}): Promise<Phone> {
  const made = createPhone({ host: '127.0.0.1', user: 'a', ...options })
  phones.push(made)
  await made.start()
  return made
}

async function answerFromEndpoint(req: Srf.SrfRequest, res: Srf.SrfResponse): Promise<void> {
  const endpoint = await runtime.media.createEndpoint({ remoteSdp: req.body })
  const dialog = await runtime.srf.createUAS(req, res, { localSdp: endpoint.local.sdp })
  dialog.on('destroy', () => void endpoint.destroy().catch(() => undefined))
  arrivals.get(req.get('Call-ID'))?.(endpoint)
}

type Session = { readonly endpoint: MediaEndpoint; readonly call: PhoneCall }

/** A phone calls the application, which answers it from an endpoint. */
async function connected(options: Partial<PhoneOptions> = {}): Promise<Session> {
  const caller = await phone(options)
  const call = await caller.call({ to: '100', viaHostPort: runtime.sipAddress })
  const endpoint = await new Promise<MediaEndpoint>((resolve) => {
    arrivals.set(call.invite === undefined ? '' : (header(call.invite, 'call-id') ?? ''), resolve)
  })
  expect(await call.answer).toEqual({ answered: true })
  return { endpoint, call }
}

test('a caller hears a tone, and the application learns how long it was', async () => {
  const { endpoint, call } = await connected()
  const played = await endpoint.play('tone_stream://%(500,0,800)')
  expect(played['playbackMilliseconds']).toBe('500')
  expect(dominantFrequency(call.heard.samples)).toBe(800)
  await endpoint.destroy()
})

test('a looped tone plays until it is broken off', async () => {
  const { endpoint, call } = await connected()
  const stops: (string | undefined)[] = []
  endpoint.on('playback-stop', ({ file }) => stops.push(file))
  const tone = 'tone_stream://%(100,100,450);loops=-1'
  const playing = endpoint.play(tone)
  await until('a second of tone', () => call.heard.packets >= 50)
  await endpoint.api('uuid_break', `${endpoint.uuid} all`)
  await playing
  expect(stops).toEqual([tone])
  const { packets } = call.heard
  await endpoint.execute('sleep', '200')
  expect(call.heard.packets - packets).toBeLessThan(3)
  await endpoint.destroy()
})

test('files are played one after the other, whatever their rate and channels', async () => {
  const wide = join(dir, 'wide.wav')
  await writeFile(wide, sineWav({ rate: 16_000, channels: 2, hertz: 1000, ms: 300 }))
  const { endpoint, call } = await connected()
  const starts: (string | undefined)[] = []
  endpoint.on('playback-start', ({ file }) => starts.push(file))
  const second = `${process.cwd()}/sip-scenarios/media/voice-a.wav`
  await endpoint.play([wide, second])
  expect(starts).toEqual([wide, second])
  const { samples } = call.heard
  expect(toneShare(samples.subarray(0, 2400), 1000)).toBeGreaterThan(0.9)
  expect(contains(samples, voiceA)).toBe(true)
  await endpoint.destroy()
})

test('a file that does not exist is an error, and the call goes on', async () => {
  const { endpoint } = await connected()
  await expect(endpoint.play('/no/such/file.wav')).rejects.toThrow('File Not Found')
  await expect(endpoint.play('silence_stream://20')).resolves.toBeDefined()
  await endpoint.destroy()
})

test('a playback inside a playback interrupts it', async () => {
  const { endpoint, call } = await connected()
  const outer = endpoint.play('tone_stream://%(1000,0,450)')
  await until('the first tone', () => call.heard.packets > 5)
  await endpoint.play('tone_stream://%(300,0,1500)')
  const inner = call.heard.samples.length
  expect(dominantFrequency(call.heard.samples.subarray(inner - 2000))).toBe(1500)
  await outer
  expect(dominantFrequency(call.heard.samples.subarray(inner + 800))).toBe(450)
  await endpoint.destroy()
})

test('an endpoint without SDP is given its peer later', async () => {
  const endpoint = await runtime.media.createEndpoint()
  expect(endpoint.local.sdp).toContain('m=audio')
  expect(endpoint.local.sdp).not.toContain('SAVP')
  await endpoint.modify(sdpAt({ port: 45_678, payloadType: 8 }))
  expect(endpoint.local.sdp).toMatch(/m=audio \d+ RTP\/AVP 8 101/)
  expect(endpoint.remote.sdp).toContain('45678')
  await endpoint.destroy()
})

/** Two callers, each on an endpoint of its own. */
async function twoCallers(): Promise<{ a: Session; b: Session }> {
  const a = await connected({ codecs: ['PCMU'] })
  const b = await connected({ user: 'b', codecs: ['PCMA'] })
  return { a, b }
}

test('bridged callers hear each other through two codecs', async () => {
  const { a, b } = await twoCallers()
  await a.endpoint.bridge(b.endpoint)
  await Promise.all([a.call.say(voiceA), b.call.say(voiceB)])
  expect([a.call.media.codec, b.call.media.codec]).toEqual(['PCMU', 'PCMA'])
  expect(contains(b.call.heard.samples, voiceA)).toBe(true)
  expect(contains(b.call.heard.samples, voiceB)).toBe(false)
  expect(contains(a.call.heard.samples, voiceB)).toBe(true)
  expect(contains(a.call.heard.samples, voiceA)).toBe(false)
  await Promise.all([a.endpoint.destroy(), b.endpoint.destroy()])
})

test('digits pass the bridge, and are reported on the way', async () => {
  const { a, b } = await twoCallers()
  const reported: (string | undefined)[] = []
  a.endpoint.on('dtmf', ({ dtmf }) => reported.push(dtmf))
  await a.endpoint.bridge(b.endpoint)
  const talk = b.call.say(voiceB)
  await until('the bridge', () => a.call.heard.packets > 10)
  a.call.sendDigits('15#')
  await until('all digits', () => b.call.digits === '15#')
  expect(reported).toEqual(['1', '5', '#'])
  await talk
  await Promise.all([a.endpoint.destroy(), b.endpoint.destroy()])
})

test('a parked pair is silent and can be joined again', async () => {
  const { a, b } = await twoCallers()
  await a.endpoint.bridge(b.endpoint)
  void a.call.say(voiceA, 10)
  await until('audio in the bridge', () => b.call.heard.packets > 20)
  await a.endpoint.unbridge()
  await b.endpoint.execute('sleep', '100')
  const { packets } = b.call.heard
  await b.endpoint.execute('sleep', '200')
  expect(b.call.heard.packets).toBe(packets)
  await b.endpoint.play('tone_stream://%(200,0,600)')
  await a.endpoint.bridge(b.endpoint)
  await until('audio in the second bridge', () => b.call.heard.packets > packets + 30)
  await Promise.all([a.endpoint.destroy(), b.endpoint.destroy()])
})

test('a recording has each party in a channel of its own', async () => {
  const { a, b } = await twoCallers()
  const path = join(dir, 'new', 'call.wav')
  await a.endpoint.set({ RECORD_STEREO: 'true', RECORD_MIN_SEC: '0' })
  await a.endpoint.recordSession(path)
  await a.endpoint.bridge(b.endpoint)
  await Promise.all([a.call.say(voiceA), b.call.say(voiceB)])
  await a.endpoint.execute('stop_record_session', path)
  const wav = readWavChannels(await readFile(path))
  const [left, right] = wav?.channels ?? []
  if (left === undefined || right === undefined) throw new Error('two channels are expected')
  expect(wav?.rate).toBe(8000)
  expect(levelDbfs(left)).toBeGreaterThan(-40)
  expect(levelDbfs(right)).toBeGreaterThan(-40)
  expect(contains(left, voiceA)).toBe(true)
  expect(contains(left, voiceB)).toBe(false)
  expect(contains(right, voiceB)).toBe(true)
  expect(contains(right, voiceA)).toBe(false)
  await Promise.all([a.endpoint.destroy(), b.endpoint.destroy()])
})

test('a recording is whole when the caller hangs up in the middle', async () => {
  const { endpoint, call } = await connected()
  const path = join(dir, 'broken.wav')
  await endpoint.set('RECORD_MIN_SEC', '0')
  await endpoint.recordSession(path)
  const said = call.say(voiceA)
  await until('some speech', () => call.media.sentPackets > 60)
  void call.hangUp()
  await said
  await until('a complete file', async () => {
    if (!existsSync(path)) return false
    const wav = readWav(await readFile(path))
    return wav !== undefined && wav.length > 4000
  })
})

test('record takes what the caller says, up to the limit', async () => {
  const { endpoint, call } = await connected()
  const path = join(dir, 'message.wav')
  const said = call.say(voiceA)
  const recorded = await endpoint.record(path, { timeLimitSecs: 1 })
  expect(Number(recorded['recordMilliseconds'])).toBeGreaterThanOrEqual(900)
  expect(levelDbfs(readWav(await readFile(path)) ?? new Int16Array())).toBeGreaterThan(-40)
  await endpoint.destroy()
  await said
})

test('digits are collected until the terminator', async () => {
  const { endpoint, call } = await connected()
  const digits: (string | undefined)[] = []
  endpoint.on('dtmf', ({ dtmf, source }) => digits.push(`${dtmf} ${source}`))
  const collected = endpoint.playCollect({
    file: 'tone_stream://%(3000,0,500)',
    min: 1,
    max: 6,
    timeout: 5000,
    digitTimeout: 3000,
    terminators: '#',
  })
  await until('the prompt', () => call.heard.packets > 5)
  call.sendDigits('4096#')
  expect(await collected).toMatchObject({ digits: '4096', terminatorUsed: '#' })
  expect(digits).toEqual(['4 RTP', '0 RTP', '9 RTP', '6 RTP', '# RTP'])
  await endpoint.destroy()
})

test('digits that never come end the collection', async () => {
  const { endpoint } = await connected()
  const collected = await endpoint.playCollect({
    file: 'silence_stream://100',
    min: 1,
    max: 2,
    timeout: 300,
    digitTimeout: 300,
  })
  expect(collected['digits'] ?? undefined).toBeUndefined()
  await endpoint.destroy()
})

test('a muted caller is not heard', async () => {
  const { a, b } = await twoCallers()
  await a.endpoint.bridge(b.endpoint)
  void a.call.say(voiceA, 10)
  await until('speech', () => levelDbfs(b.call.heard.samples) > -60)
  await a.endpoint.mute()
  const muted = b.call.heard.samples.length + 800
  await until('half a second more', () => b.call.heard.samples.length > muted + 4000)
  expect(levelDbfs(b.call.heard.samples.subarray(muted))).toBeLessThan(-60)
  await Promise.all([a.endpoint.destroy(), b.endpoint.destroy()])
})

test('a caller on hold is told so, and is heard again afterwards', async () => {
  const { endpoint, call } = await connected()
  const changed = call.hold()
  expect(await changed).toBe(200)
  expect(await call.resume()).toBe(200)
  const { packets } = call.heard
  await endpoint.play('tone_stream://%(200,0,600)')
  expect(call.heard.packets).toBeGreaterThan(packets)
  await endpoint.destroy()
})

test('a BYE ends a playback and tells the application', async () => {
  const { endpoint, call } = await connected()
  const playing = endpoint.play('tone_stream://%(1000,0,450);loops=-1')
  const destroyed = new Promise((resolve) => endpoint.once('destroy', resolve))
  await until('the tone', () => call.heard.packets > 5)
  await endpoint.dialog.destroy()
  await expect(playing).resolves.toBeDefined()
  expect(await destroyed).toEqual({ reason: 'NORMAL_CLEARING' })
  expect(endpoint.connected).toBe(false)
})

test('when one of a bridged pair leaves, the other can be played to', async () => {
  const { a, b } = await twoCallers()
  await a.endpoint.bridge(b.endpoint)
  void a.call.say(voiceA)
  await until('the bridge', () => b.call.heard.packets > 10)
  await a.endpoint.destroy()
  await b.endpoint.execute('sleep', '100')
  const before = b.call.heard.samples.length
  await b.endpoint.play('tone_stream://%(600,0,900)')
  expect(dominantFrequency(b.call.heard.samples.subarray(before))).toBe(900)
  await b.endpoint.destroy()
})

test('a bridge with a leg that is gone is refused', async () => {
  const { endpoint } = await connected()
  const nobody = '11111111-2222-3333-4444-555555555555'
  await expect(endpoint.bridge(nobody)).rejects.toThrow('-ERR Invalid uuid')
  expect((await endpoint.api('uuid_kill', nobody)).getBody()).toBe('-ERR No such channel!\n')
  await endpoint.destroy()
})

test('statistics count what was heard and said', async () => {
  const { endpoint, call } = await connected()
  await Promise.all([call.say(voiceA.subarray(0, 8000)), endpoint.play('silence_stream://500')])
  const variables = await endpoint.getChannelVariables(true)
  expect(variables['variable_rtp_audio_in_packet_count']).toBeGreaterThan(40)
  expect(variables['variable_rtp_audio_out_packet_count']).toBeGreaterThan(20)
  await endpoint.destroy()
})

test('fifty endpoints come and go', async () => {
  const endpoints = await Promise.all(
    Array.from({ length: 50 }, () => runtime.media.createEndpoint()),
  )
  expect(new Set(endpoints.map(({ local }) => local.mediaPort)).size).toBe(50)
  await Promise.all(endpoints.map((endpoint) => endpoint.play('silence_stream://100')))
  await Promise.all(endpoints.map((endpoint) => endpoint.destroy()))
})

function sdpAt({ port, payloadType }: { port: number; payloadType: number }): string {
  return [
    'v=0',
    'o=- 2 2 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${payloadType} 101`,
    'a=rtpmap:101 telephone-event/8000',
    'a=sendrecv',
    '',
  ].join('\r\n')
}

function sineWav(wav: { rate: number; channels: number; hertz: number; ms: number }): Buffer {
  const { rate, channels, hertz, ms } = wav
  const frames = (rate * ms) / 1000
  const bytes = Buffer.alloc(44 + frames * channels * 2)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(channels, 22)
  bytes.writeUInt32LE(rate, 24)
  bytes.writeUInt32LE(rate * channels * 2, 28)
  bytes.writeUInt16LE(channels * 2, 32)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(bytes.length - 44, 40)
  for (let i = 0; i < frames * channels; i++) {
    const at = Math.floor(i / channels)
    bytes.writeInt16LE(Math.round(10_000 * Math.sin((2 * Math.PI * hertz * at) / rate)), 44 + 2 * i)
  }
  return bytes
}
