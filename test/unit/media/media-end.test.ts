import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMediaEnd } from '../../../src/media/media-end.ts'
import { aFakeEndpoint, pcma } from './a-media-host.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function anEnd() {
  const fake = aFakeEndpoint('end')
  const log = pino({ level: 'silent' })
  return { fake, end: createMediaEnd({ endpoint: fake.endpoint, tonesDir: '/tones', log }) }
}

const unacceptable = { hangup: { reason: 'media-unacceptable' } }
const failed = { hangup: { reason: 'media-failed' } }

describe('a party’s SDP', () => {
  test('is taken by re-INVITE, and ours is the host’s answer from then on', async () => {
    const { fake, end } = anEnd()
    expect(end.sdp).toBe('sdp of end')
    expect(await end.negotiate(pcma)).toBe('sdp of end, modified')
    expect(end.sdp).toBe('sdp of end, modified')
    expect(fake.said).toEqual([`modify ${pcma}`])
  })

  test('that cannot be used does not reach the host', async () => {
    const { fake, end } = anEnd()
    await expect(end.negotiate('')).rejects.toMatchObject(unacceptable)
    await expect(end.negotiate(`${pcma}${'a=x\r\n'.repeat(2000)}`)).rejects.toMatchObject(
      unacceptable,
    )
    expect(fake.said).toEqual([])
  })

  test('refused by the host does not spoil the next: the library’s count is put right', async () => {
    const { fake, end } = anEnd()
    const { modify } = fake.script
    fake.script.modify = () => Promise.reject(Object.assign(new Error('488'), { status: 488 }))
    await expect(end.negotiate(pcma)).rejects.toMatchObject(unacceptable)
    expect(fake.dialog._reinvitesInProgress.count).toBe(0)
    fake.script.modify = modify
    expect(await end.negotiate(pcma)).toBe('sdp of end, modified')
  })

  test('that the host cannot take for reasons of its own is not at fault', async () => {
    const { fake, end } = anEnd()
    fake.script.modify = () => Promise.reject(Object.assign(new Error('500'), { status: 500 }))
    await expect(end.negotiate(pcma)).rejects.toMatchObject(failed)
    expect(fake.dialog._reinvitesInProgress.count).toBe(0)
  })

  test('that the host never answers is given up, and so is every later one', async () => {
    const { fake, end } = anEnd()
    fake.script.modify = () => new Promise(() => undefined)
    const negotiating = expect(end.negotiate(pcma)).rejects.toThrow('longer than 4000 ms')
    await vi.advanceTimersByTimeAsync(4000)
    await negotiating
    await expect(end.negotiate(pcma)).rejects.toMatchObject(failed)
    expect(fake.said).toHaveLength(1)
  })

  test('waits for the one before it, whatever became of that', async () => {
    const { fake, end } = anEnd()
    let refuse = (): void => undefined
    fake.script.modify = () =>
      new Promise((_, reject) => {
        refuse = () => reject(Object.assign(new Error('488'), { status: 488 }))
      })
    const first = expect(end.negotiate(pcma)).rejects.toMatchObject(unacceptable)
    await vi.advanceTimersByTimeAsync(0)
    fake.script.modify = async () => 'second answer'
    const second = end.negotiate(pcma)
    expect(fake.said).toHaveLength(1)
    refuse()
    await first
    expect(await second).toBe('second answer')
  })

  test('for an end that is gone is refused at once', async () => {
    const { fake, end } = anEnd()
    fake.close()
    await expect(end.negotiate(pcma)).rejects.toMatchObject(failed)
  })
})

describe('commands', () => {
  test('fail when the event socket is gone', async () => {
    const { fake, end } = anEnd()
    fake.close()
    await expect(end.api('uuid_bridge', ['a', 'b'])).rejects.toThrow('the media end is closed')
    end.joined()
    end.sendDigit('5')
    expect(fake.said).toEqual([])
  })

  test('a digit is passed on; anything else is not', () => {
    const { fake, end } = anEnd()
    for (const digit of ['5', '#', 'D', 'x', '12', '5;uuid_kill']) end.sendDigit(digit)
    expect(fake.said).toEqual([
      'uuid_send_dtmf end 5',
      'uuid_send_dtmf end #',
      'uuid_send_dtmf end D',
    ])
  })

  test('closing hangs up, or ends the dialog of an end whose host is gone', () => {
    const alive = anEnd()
    alive.end.close()
    expect(alive.fake.said).toEqual(['hangup'])
    const orphan = anEnd()
    orphan.fake.die()
    orphan.end.close()
    expect(orphan.fake.said).toEqual(['BYE'])
  })
})
