import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createOpenMedia } from '../../../src/media/open-media.ts'
import { aFakeEndpoint, aFakeHost, pcma } from './a-media-host.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

type Fake = ReturnType<typeof aFakeHost>

function open(
  hosts: readonly Fake[],
  given: { offer?: string | undefined; recordingsDir?: string } = {},
) {
  const lost = vi.fn()
  const openMedia = createOpenMedia({
    hosts: hosts.map((each) => each.host),
    tonesDir: '/tones',
    recordingsDir: given.recordingsDir ?? '/recordings',
    log: pino({ level: 'silent' }),
  })
  const opening = openMedia({
    offer: 'offer' in given ? given.offer : pcma,
    onLost: (side, cause) => lost(side, cause.reason),
  })
  return { opening, lost }
}

const refusal = (status: number) => Object.assign(new Error(`${status}`), { status })

describe('opening the two ends of a call', () => {
  test('the caller’s takes its offer, the callee’s makes one of its own', async () => {
    const host = aFakeHost('fs')
    const { opening } = open([host])
    const pair = await opening
    expect(host.asked).toEqual([{ remoteSdp: pcma }, {}])
    expect([pair.caller.sdp, pair.callee.sdp]).toEqual(['sdp of fs-caller', 'sdp of fs-callee'])
    expect(host.host.load).toBe(1)
  })

  test('a caller who leaves the offer to us gets ours as well', async () => {
    const host = aFakeHost('fs')
    await open([host], { offer: undefined }).opening
    expect(host.asked).toEqual([{}, {}])
  })

  test('goes to the host with the fewest calls that is up', async () => {
    const [busy, idle] = [aFakeHost('busy', { load: 5 }), aFakeHost('idle', { load: 2 })]
    const down = aFakeHost('down', { up: false })
    await open([busy, down, idle]).opening
    expect([busy, idle, down].map((each) => each.asked.length)).toEqual([0, 2, 0])
  })

  test('fails when no host is up', async () => {
    const { opening } = open([aFakeHost('down', { up: false })])
    await expect(opening).rejects.toMatchObject({ hangup: { reason: 'media-failed' } })
  })

  test.each([
    ['no codec that we speak', pcma.replace('AVP 8', 'AVP 18')],
    ['encryption beside the plain line', `${pcma}m=audio 4002 RTP/SAVP 8\r\n`],
    ['more bytes than the SIP server takes', `${pcma}${'a=字\r\n'.repeat(1500)}`],
  ])('an offer with %s is refused before any host is asked', async (_, offer) => {
    const host = aFakeHost('fs')
    const { opening } = open([host], { offer })
    await expect(opening).rejects.toMatchObject({ hangup: { reason: 'media-unacceptable' } })
    expect(host.asked).toEqual([])
  })

  test('an offer that two hosts refuse is at fault, and not shown to a third', async () => {
    const hosts = [0, 1, 2].map((load) => aFakeHost(`host ${load}`, { load }))
    for (const { script } of hosts) script.create = () => Promise.reject(refusal(488))
    const { opening } = open(hosts)
    await expect(opening).rejects.toMatchObject({ hangup: { reason: 'media-unacceptable' } })
    expect(hosts.map(({ asked }) => asked.length)).toEqual([2, 2, 0])
  })

  test('an offer that the only host refuses twice is at fault', async () => {
    const host = aFakeHost('fs')
    host.script.create = () => Promise.reject(refusal(488))
    const { opening } = open([host])
    await expect(opening).rejects.toMatchObject({ hangup: { reason: 'media-unacceptable' } })
    expect(host.asked).toHaveLength(4)
    expect(host.host.load).toBe(0)
  })

  test('a port that another process has costs a try, and not the call', async () => {
    const host = aFakeHost('fs')
    const { create } = host.script
    host.script.create = (at) => (at === 0 ? Promise.reject(refusal(488)) : create(at))
    const pair = await open([host]).opening
    expect(host.asked).toHaveLength(4)
    expect(host.opened.map((each) => each.said)).toEqual([['hangup'], [], []])
    expect(host.host.load).toBe(1)
    pair.close()
    expect(host.host.load).toBe(0)
  })

  test('the first host is asked again when the others fail, unless it has gone meanwhile', async () => {
    const [first, second] = [aFakeHost('first'), aFakeHost('second', { load: 1 })]
    first.script.create = () => Promise.reject(refusal(503))
    second.script.create = () => Promise.reject(refusal(503))
    await expect(open([first, second]).opening).rejects.toMatchObject({
      hangup: { reason: 'media-failed' },
    })
    expect([first.asked.length, second.asked.length]).toEqual([4, 2])
    second.script.create = () => {
      Object.assign(first.host, { up: false })
      return Promise.reject(refusal(503))
    }
    await expect(open([first, second]).opening).rejects.toMatchObject({
      hangup: { reason: 'media-failed' },
    })
    expect([first.asked.length, second.asked.length]).toEqual([6, 4])
  })

  test('a host that fails is followed by the next, and keeps nothing of the call', async () => {
    const [first, second] = [aFakeHost('first'), aFakeHost('second', { load: 1 })]
    const create = first.script.create
    first.script.create = (at) => (at === 0 ? create(at) : Promise.reject(refusal(503)))
    const pair = await open([first, second]).opening
    expect(pair.caller.uuid).toBe('second-caller')
    expect(first.opened[0]?.said).toEqual(['hangup'])
    expect(first.host.load).toBe(0)
  })

  test('a host that throws when it is asked keeps nothing either', async () => {
    const host = aFakeHost('fs')
    host.script.create = () => {
      throw new Error('assertion of the library')
    }
    const { opening } = open([host])
    await expect(opening).rejects.toMatchObject({ hangup: { reason: 'media-failed' } })
    expect(host.host.load).toBe(0)
  })

  test('an end that never opens is not waited for, and the other is closed', async () => {
    const host = aFakeHost('fs')
    const create = host.script.create
    let late = (): void => undefined
    host.script.create = (at) =>
      at === 1
        ? new Promise((resolve) => {
            late = () => resolve(aFakeEndpoint('late'))
          })
        : create(at)
    const { opening } = open([host])
    await vi.advanceTimersByTimeAsync(2000)
    await opening
    expect(host.opened.map((each) => each.said)).toEqual([['hangup'], [], []])
    expect(host.host.load).toBe(1)

    late()
    await vi.waitFor(() =>
      expect(host.opened.map((each) => each.said)).toEqual([['hangup'], [], [], ['hangup']]),
    )
  })

  test('an end that died while the other opened is no pair', async () => {
    const host = aFakeHost('fs')
    const create = host.script.create
    host.script.create = async (at) => {
      const fake = await create(at)
      if (at % 2 === 0) fake.die()
      return fake
    }
    const { opening } = open([host])
    await expect(opening).rejects.toMatchObject({ hangup: { reason: 'media-failed' } })
    const pair = [['BYE'], ['hangup']]
    expect(host.opened.map((each) => each.said)).toEqual([...pair, ...pair])
    expect(host.host.load).toBe(0)
  })
})

describe('an open pair', () => {
  test('is joined once, however often it is asked for', async () => {
    const host = aFakeHost('fs')
    const pair = await open([host]).opening
    await Promise.all([pair.join(), pair.join()])
    const [caller, callee] = host.opened
    expect(caller?.said.filter((each) => each.startsWith('uuid_bridge'))).toEqual([
      'uuid_bridge fs-caller fs-callee',
    ])
    expect(
      [caller, callee].every((each) => each?.said.some((say) => say.startsWith('nixevent'))),
    ).toBe(true)
  })

  test('that cannot be joined says so', async () => {
    const host = aFakeHost('fs')
    const pair = await open([host]).opening
    const [caller] = host.opened
    if (caller !== undefined) caller.script.apiReply = () => '-ERR no such channel'
    await expect(pair.join()).rejects.toThrow('uuid_bridge: -ERR no such channel')
  })

  test('is recorded on two channels, in a folder that is made when it is needed', async () => {
    const recordingsDir = await mkdtemp(join(tmpdir(), 'axb-recordings-'))
    try {
      const host = aFakeHost('fs')
      const pair = await open([host], { recordingsDir }).opening
      await pair.record('2026/11/24/call.wav')
      expect(host.opened[0]?.said).toEqual([
        'uuid_setvar fs-caller RECORD_STEREO true',
        'uuid_setvar fs-caller RECORD_PRE_BUFFER_FRAMES 1',
        `uuid_record fs-caller start ${recordingsDir}/2026/11/24/call.wav`,
      ])
      expect((await stat(join(recordingsDir, '2026/11/24'))).isDirectory()).toBe(true)
    } finally {
      await rm(recordingsDir, { recursive: true })
    }
  })

  test('is closed once, on both ends, and the host is free of it', async () => {
    const host = aFakeHost('fs')
    const { opening, lost } = open([host])
    const pair = await opening
    pair.close()
    pair.close()
    expect(host.opened.map((each) => each.said)).toEqual([['hangup'], ['hangup']])
    expect(host.host.load).toBe(0)
    expect(host.listeners()).toBe(0)
    host.opened[0]?.hangUp()
    expect(lost).not.toHaveBeenCalled()
  })

  test('whose host dies gives its SIP dialogs back, of which nobody else knows any more', async () => {
    const host = aFakeHost('fs')
    const { opening, lost } = open([host])
    const pair = await opening
    for (const end of host.opened) end.die()
    expect(lost).toHaveBeenCalledWith('caller', 'media-lost')
    pair.close()
    expect(host.opened.map((each) => each.said)).toEqual([['BYE'], ['BYE']])
  })

  test('hears of the loss of its host', async () => {
    const host = aFakeHost('fs')
    const { opening, lost } = open([host])
    await opening
    host.lose()
    expect(lost).toHaveBeenCalledWith('caller', 'media-lost')
  })

  test.each([
    [0, 'caller', 'caller-lost'],
    [1, 'callee', 'callee-lost'],
  ] as const)('tells whose packets stopped: end %i', async (at, side, reason) => {
    const host = aFakeHost('fs')
    const { opening, lost } = open([host])
    await opening
    host.opened[at]?.hangUp({ reason: 'MEDIA_TIMEOUT' })
    expect(lost).toHaveBeenLastCalledWith(side, reason)
    host.opened[at]?.bye('SIP;cause=604;text="MEDIA_TIMEOUT"')
    expect(lost).toHaveBeenLastCalledWith(side, reason)
    host.opened[at]?.bye('Q.850;cause=16;text="NORMAL_CLEARING"')
    expect(lost).toHaveBeenLastCalledWith(side, 'media-lost')
  })
})
