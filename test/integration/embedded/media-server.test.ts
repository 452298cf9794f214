import { createSocket } from 'node:dgram'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createMediaServer,
  type MediaServer,
  type MediaServerOptions,
} from '../../../src/embedded/media/media-server.ts'
import { readWav } from '../../../src/embedded/media/wav-file.ts'
import { dominantFrequency, levelDbfs } from '../../../src/embedded/phone/listen.ts'
import { createPhone, type Phone } from '../../../src/embedded/phone/phone.ts'
import type { PhoneCall } from '../../../src/embedded/phone/phone-call.ts'
import {
  authedEsl,
  type ControlServer,
  connectEsl,
  controlServer,
  type EslClient,
  isEvent,
} from '../../support/esl-client.ts'
import { startServer, until } from '../../support/media-runtime.ts'

/** The media stand-in by itself: a phone calls it directly, and the event socket is spoken by hand. */
let server: MediaServer | undefined
let addresses = { sip: '', esl: '' }
let control: ControlServer
let phone: Phone
const warnings: string[] = []

beforeEach(async () => {
  warnings.length = 0
  control = await controlServer()
  phone = createPhone({ host: '127.0.0.1', user: 'a' })
  await phone.start()
})

afterEach(async () => {
  await phone.stop()
  control.close()
  await server?.stop()
  if (server !== undefined) {
    expect(server.counts()).toEqual({
      endpoints: 0,
      rtpSockets: 0,
      eslConnections: 0,
      recordings: 0,
      dialogs: 0,
    })
  }
  server = undefined
  expect(warnings).toEqual([])
})

async function start(options: Partial<MediaServerOptions> = {}): Promise<MediaServer> {
  const started = createMediaServer({
    host: '127.0.0.1',
    sipPort: 0,
    eslPort: 0,
    password: 'ClueCon',
    rtpMin: 40_000,
    rtpMax: 49_999,
    heartbeatSeconds: 20,
    sessionsMax: 100,
    rtpTimeoutSeconds: 300,
    warn: (text) => warnings.push(text),
    ...options,
  })
  server = started
  addresses = await started.start()
  return started
}

function dial(headers: [string, string][] = [], to = control.address): Promise<PhoneCall> {
  return phone.call({
    to: 'drachtio',
    viaHostPort: addresses.sip,
    headers: [['X-esl-outbound', to], ['User-Agent', 'drachtio-fsmrf:1'], ...headers],
  })
}

type Connected = { call: PhoneCall; client: EslClient; uuid: string }

async function connected(headers: [string, string][] = []): Promise<Connected> {
  const call = await dial(headers)
  expect(await call.answer).toEqual({ answered: true })
  return { call, ...(await control.next()) }
}

function execute({ client, uuid }: Connected, application: string, argument = ''): void {
  client.send(
    `sendmsg ${uuid}\ncall-command: execute\nexecute-app-name: ${application}\nexecute-app-arg: ${argument}\nEvent-UUID: e-${application}`,
  )
}

test('a channel says who it is, plays, and is hung up with a BYE', async () => {
  await start()
  const channel = await connected()
  execute(channel, 'playback', 'tone_stream://%(200,0,700)')
  const done = isEvent('CHANNEL_EXECUTE_COMPLETE', {
    'Application-UUID': 'e-playback',
    'Application-Response': 'FILE PLAYED',
  })
  await channel.client.next(done)
  expect(dominantFrequency(channel.call.heard.samples)).toBe(700)
  execute(channel, 'hangup', 'USER_BUSY')
  await channel.client.next(isEvent('CHANNEL_CALLSTATE', { 'Hangup-Cause': 'USER_BUSY' }))
  await channel.client.next(({ head }) => head.includes('text/disconnect-notice'))
  await channel.client.closed
  expect(await channel.call.end).toEqual({
    by: 'peer',
    reason: 'Q.850;cause=17;text="USER_BUSY"',
  })
})

test('a wrong password is refused, and nothing is answered before it', async () => {
  await start()
  const client = await connectEsl(addresses.esl)
  await client.next(({ head }) => head.includes('auth/request'))
  client.send('api status')
  await client.next(({ head }) => head.includes('-ERR command not found'))
  client.send('auth wrong')
  await client.next(({ head }) => head.includes('-ERR invalid'))
  await client.closed
  expect(client.messages.some(({ head }) => head.includes('api/response'))).toBe(false)
})

test('every command gets one answer, in order', async () => {
  await start()
  const client = await authedEsl(addresses.esl)
  client.send('api sofia status')
  client.send('event json HEARTBEAT')
  client.send('nonsense')
  client.send('api nonsense')
  client.send('sendmsg 1-2\ncall-command: execute\nexecute-app-name: hangup')
  client.send('bgapi status')
  client.send('exit')
  await client.closed
  const heads = client.messages.slice(2).map(({ head, body }) => `${head} ${body.split('\n')[0]}`)
  expect(client.messages[2]?.body).toContain(`drachtio_mrf\tprofile\t`)
  expect(client.messages[2]?.body).toContain(`sip:mod_sofia@${addresses.sip}\tRUNNING`)
  expect(heads[1]).toContain('+OK event listener enabled json')
  expect(heads[2]).toContain('-ERR command not found')
  expect(client.messages[5]?.body).toBe('-ERR nonsense Command not found!\n')
  expect(heads[4]).toContain('-ERR invalid session id [1-2]')
  expect(heads[5]).toContain('+OK Job-UUID: ')
  expect(heads[6]).toContain('+OK bye')
  expect(heads[7]).toContain('text/disconnect-notice')
})

test('a heartbeat tells how many sessions there are', async () => {
  await start({ heartbeatSeconds: 0.1, sessionsMax: 77 })
  const client = await authedEsl(addresses.esl)
  client.send('event json HEARTBEAT')
  await client.next(isEvent('HEARTBEAT', { 'Session-Count': '0', 'Max-Sessions': '77' }))
  await connected()
  await client.next(isEvent('HEARTBEAT', { 'Session-Count': '1' }))
  client.send('exit')
  await client.closed
})

test('with all ports taken, a call is refused until one is free', async () => {
  const first = await anyEvenPort()
  await start({ rtpMin: first, rtpMax: first + 1 })
  const { call } = await connected()
  const refused = await dial()
  expect(await refused.answer).toMatchObject({ answered: false, status: 503 })
  void call.hangUp()
  await until('the port is free', () => server?.counts().rtpSockets === 0)
  await connected()
})

test('no more sessions are taken than allowed', async () => {
  await start({ sessionsMax: 1 })
  await connected()
  expect(await (await dial()).answer).toMatchObject({ answered: false, status: 503 })
})

test('calls that nobody would control, or in no codec of ours, are refused', async () => {
  await start()
  const { sip } = addresses
  const plain = await phone.call({ to: 'x', viaHostPort: sip })
  expect(await plain.answer).toMatchObject({ answered: false, status: 603 })
  const stranger = createPhone({ host: '127.0.0.1', user: 'b', codecs: [] })
  await stranger.start()
  const call = await stranger.call({
    to: 'x',
    viaHostPort: sip,
    headers: [['X-esl-outbound', control.address]],
  })
  expect(await call.answer).toMatchObject({ answered: false, status: 488 })
  await stranger.stop()
})

test('a call whose controller cannot be reached is ended', async () => {
  await start()
  const call = await dial([], '127.0.0.1:1')
  expect(await call.answer).toEqual({ answered: true })
  expect((await call.end).by).toBe('peer')
})

test('a call whose controller goes away is ended, a joined pair talks on', async () => {
  await start()
  const alone = await connected()
  alone.client.socket.destroy()
  expect((await alone.call.end).by).toBe('peer')

  const a = await connected()
  const b = await connected()
  a.client.send(`api uuid_bridge ${a.uuid} ${b.uuid}`)
  await b.client.next(isEvent('CHANNEL_EXECUTE', { Application: 'uuid_bridge' }))
  a.client.socket.destroy()
  b.client.socket.destroy()
  const before = b.call.heard.packets
  const speech = a.call.say(tone(440), 5)
  await until('the pair talks on', () => b.call.heard.packets > before + 10)
  expect([a.call.isOver, b.call.isOver]).toEqual([false, false])
  void a.call.hangUp()
  await speech
  expect((await b.call.end).by).toBe('peer')
})

test('silence of the agreed length ends a call, but not one on hold', async () => {
  await start()
  const held = await connected([['X-RTP-Timeout-Sec', '1']])
  expect(await held.call.hold()).toBe(200)
  const { client, call } = await connected([['X-RTP-Timeout-Sec', '1']])
  await client.next(isEvent('CHANNEL_CALLSTATE', { 'Hangup-Cause': 'MEDIA_TIMEOUT' }))
  expect((await call.end).by).toBe('peer')
  expect(held.call.isOver).toBe(false)
})

test('digits by INFO are reported like those in RTP', async () => {
  await start()
  const { client, call } = await connected()
  const type: [string, string][] = [['Content-Type', 'application/dtmf-relay']]
  expect(await call.request('INFO', type, 'Signal=8\r\nDuration=120\r\n')).toBe(200)
  await client.next(
    isEvent('DTMF', { 'DTMF-Digit': '8', 'DTMF-Duration': '960', 'DTMF-Source': 'INFO' }),
  )
})

test('what is not SIP, RTP or an event socket command does no harm', async () => {
  await start()
  const { call, client, uuid } = await connected()
  const socket = createSocket('udp4')
  const rtpPort = Number(/m=audio (\d+)/.exec(call.responses.at(-1)?.body ?? '')?.[1])
  const sipPort = Number(addresses.sip.split(':')[1])
  for (const text of ['', 'x', '\x80', '\x80\x00', 'INVITE', 'INVITE sip:x SIP/2.0\r\n\r\n']) {
    socket.send(text, rtpPort, '127.0.0.1')
    socket.send(text, sipPort, '127.0.0.1')
  }
  const stranger = await connectEsl(addresses.esl)
  stranger.socket.write(Buffer.alloc(2_000_000, 'a'))
  await stranger.closed
  execute({ call, client, uuid }, 'playback', 'tone_stream://%(100,0,500)')
  await client.next(isEvent('CHANNEL_EXECUTE_COMPLETE', { Application: 'playback' }))
  expect(levelDbfs(call.heard.samples)).toBeGreaterThan(-30)
  socket.close()
})

test('packets of a stranger are not mixed into a call', async () => {
  await start()
  const { call } = await connected()
  const speech = call.say(tone(440))
  const port = Number(/m=audio (\d+)/.exec(call.responses.at(-1)?.body ?? '')?.[1])
  await until('the caller is heard', () => call.media.sentPackets > 5)
  const stranger = createSocket('udp4')
  for (let i = 0; i < 10; i++) stranger.send(Buffer.alloc(172, 0x80), port, '127.0.0.1')
  await speech
  const client = await authedEsl(addresses.esl)
  client.send(`api show channels`)
  const uuid = (await client.next(({ body }) => body.includes('inbound'))).body
  client.send(`api uuid_dump ${/^([0-9a-f-]{36}),/m.exec(uuid)?.[1]}`)
  const { body } = await client.next((message) => message.body.includes('rtp_audio_in'))
  const heard = Number(/in_packet_count: (\d+)/.exec(body)?.[1])
  expect(heard).toBe(call.media.sentPackets)
  stranger.close()
  client.send('exit')
  await client.closed
})

test('a recording can be played after the process was killed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'axbridge-killed-'))
  const path = join(dir, 'call.wav')
  const process = await startServer('media', ['--rtp-min', '40000', '--rtp-max', '49999'])
  addresses = { sip: process.ready['sip'] ?? '', esl: process.ready['esl'] ?? '' }
  const channel = await connected()
  execute(channel, 'record_session', path)
  void channel.call.say(tone(440), 5)
  await until('two seconds of it on disk', async () => {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    return bytes.length > 64_000
  })
  await process.kill()
  const samples = readWav(await readFile(path)) ?? new Int16Array()
  expect(samples.length).toBeGreaterThanOrEqual(32_000)
  expect(dominantFrequency(samples)).toBe(440)
  await rm(dir, { recursive: true })
})

test('the process stops when its parent closes its input, and hangs up first', async () => {
  const process = await startServer('media', ['--rtp-min', '40000', '--rtp-max', '49999'])
  addresses = { sip: process.ready['sip'] ?? '', esl: process.ready['esl'] ?? '' }
  const { call } = await connected()
  expect(await process.counts()).toMatchObject({ endpoints: 1, rtpSockets: 1, eslConnections: 1 })
  await process.stop()
  expect((await call.end).by).toBe('peer')
})

function tone(hertz: number): Int16Array {
  return Int16Array.from({ length: 8000 }, (_, i) =>
    Math.round(8000 * Math.sin((2 * Math.PI * hertz * i) / 8000)),
  )
}

async function anyEvenPort(): Promise<number> {
  for (;;) {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const { port } = socket.address()
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    if (port % 2 === 0) return port
  }
}
