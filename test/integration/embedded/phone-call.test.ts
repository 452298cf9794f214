import { readFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { readWav } from '../../../src/embedded/media/wav-file.ts'
import { contains, dominantFrequency, levelDbfs } from '../../../src/embedded/phone/listen.ts'
import { createPhone, type Phone, type PhoneOptions } from '../../../src/embedded/phone/phone.ts'
import type { PhoneCall } from '../../../src/embedded/phone/phone-call.ts'
import { until } from '../../support/media-runtime.ts'

/** Two phones that call each other without anything in between. */
const phones: Phone[] = []

afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.stop()
})

async function phone(user: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
  const made = createPhone({ host: '127.0.0.1', user, ...options })
  phones.push(made)
  await made.start()
  return made
}

/** A calls B, and B does what the test wants. */
async function callTo(
  onCall: (call: PhoneCall) => void,
  options: { a?: Partial<PhoneOptions>; b?: Partial<PhoneOptions> } = {},
): Promise<{ call: PhoneCall; a: Phone; b: Phone }> {
  const b = await phone('bob', { onCall, ...options.b })
  const a = await phone('alice', { displayName: 'Alice', ...options.a })
  const call = await a.call({ to: 'bob', viaHostPort: `127.0.0.1:${b.address.port}` })
  return { call, a, b }
}

async function voice(name: string): Promise<Int16Array> {
  return readWav(await readFile(`sip-scenarios/media/${name}.wav`)) ?? new Int16Array()
}

test('both hear each other, and both remember what was said in SIP', async () => {
  const alice = await voice('voice-a')
  const bob = await voice('voice-b')
  const { call, a, b } = await callTo((incoming) => {
    incoming.ring()
    incoming.accept()
    void incoming.say(bob)
  })
  expect(await call.answer).toEqual({ answered: true })
  const [other] = b.calls
  await call.say(alice)
  await until(
    'all of it has arrived',
    () => other !== undefined && contains(other.heard.samples, alice),
  )
  await until('the other voice', () => contains(call.heard.samples, bob))
  const { ringing = -1, answered = -1 } = call.times
  expect(ringing).toBeGreaterThanOrEqual(0)
  expect(answered).toBeGreaterThanOrEqual(ringing)
  void call.hangUp()
  expect(await other?.end).toMatchObject({ by: 'peer' })
  const sent = a.diary.filter(({ direction }) => direction === 'sent').map(({ text }) => text)
  expect(sent.some((text) => text.includes('From: "Alice" <sip:alice@127.0.0.1>'))).toBe(true)
  const received = b.diary.map(({ direction, text }) => `${direction} ${text.split(/[ \r]/)[0]}`)
  expect(received).toContain('received INVITE')
  expect(received).toContain('received BYE')
  expect(received).toContain('sent SIP/2.0')
})

test('what comes before the answer is early media', async () => {
  const tone = Int16Array.from({ length: 8000 }, (_, i) => 6000 * Math.sin((i * Math.PI) / 8))
  let incoming: PhoneCall | undefined
  const { call } = await callTo((each) => {
    incoming = each
    each.progress()
    void each.say(tone)
  })
  await until('half a second of it', () => call.heard.packets > 25)
  incoming?.accept()
  incoming?.media.hush()
  expect(await call.answer).toEqual({ answered: true })
  const { earlyPackets, earlySamples, firstPacketMs } = call.heard
  expect(earlyPackets).toBeGreaterThanOrEqual(25)
  expect(firstPacketMs).toBeGreaterThan(0)
  expect(dominantFrequency(earlySamples)).toBe(500)
  expect(levelDbfs(earlySamples)).toBeGreaterThan(-25)
})

test('a refusal, a busy phone and a caller who gives up end as they should', async () => {
  const refused = await callTo((call) => call.reject(603, 'Decline'))
  expect(await refused.call.answer).toEqual({ answered: false, status: 603, reason: 'Decline' })

  const busy = await phone('carol')
  const toBusy = await refused.a.call({ to: 'c', viaHostPort: `127.0.0.1:${busy.address.port}` })
  expect(await toBusy.answer).toMatchObject({ answered: false, status: 486 })

  const ringing = await callTo((call) => call.ring())
  await until('it rings', () => ringing.call.times.ringing !== undefined)
  void ringing.call.hangUp()
  expect(await ringing.call.answer).toMatchObject({ answered: false, status: 487 })
  expect(await ringing.b.calls[0]?.end).toMatchObject({ by: 'peer' })
})

test('a call to nobody fails', async () => {
  const a = await phone('alice')
  const call = await a.call({ to: 'x', viaHostPort: '127.0.0.1:1', transport: 'tcp' })
  expect(await call.answer).toMatchObject({ answered: false, status: 503 })
})

test('phones without a common codec do not come together', async () => {
  const { call } = await callTo((each) => each.accept(), {
    a: { codecs: ['PCMU'] },
    b: { codecs: ['PCMA'] },
  })
  expect(await call.answer).toMatchObject({ answered: false, status: 488 })
})

test('digits arrive, hold and resume are agreed on, and other requests are answered', async () => {
  const { call, b } = await callTo((each) => each.accept())
  await call.answer
  call.sendDigits('19*#A')
  await until('all digits', () => b.calls[0]?.digits === '19*#A')
  expect(await call.hold()).toBe(200)
  expect(await call.resume()).toBe(200)
  expect(await call.request('OPTIONS')).toBe(200)
  expect(call.isAnswered).toBe(true)
})
