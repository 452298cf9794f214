import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadVoices, type Voices } from '../../../../src/embedded/demo/demo-phones.ts'
import { type Evidence, judgeCall } from '../../../../src/embedded/demo/judge-call.ts'
import { demoNumbers } from '../../../../src/embedded/demo/provision.ts'
import { readWav } from '../../../../src/embedded/media/wav-file.ts'
import { field } from '../../../../src/embedded/sip/message.ts'

const x = '+8617000000001'
let voices: Voices

beforeAll(async () => {
  const whole = await loadVoices('config/tones')
  // A second and a half of each is enough to tell them apart.
  const piece = (samples: Int16Array) => samples.subarray(0, 12_000)
  voices = { ...whole, caller: piece(whole.caller), callee: piece(whole.callee) }
})

function heard(samples: Int16Array, earlySamples: Int16Array = new Int16Array()) {
  return { packets: 1, firstPacketMs: 0, samples, earlyPackets: 1, earlySamples }
}

/** What is seen when all is well. */
function goodEvidence(): Evidence {
  const invite = {
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:b@127.0.0.1',
    headers: [
      field('From', `<sip:${x}@127.0.0.1>;tag=1`),
      field('Contact', `<sip:${x}@127.0.0.1>`),
    ],
    body: '',
  } as const
  const times = { ringing: 40, answered: 3000, ended: 13_000 }
  const received = { direction: 'received', text: `INVITE from ${x}`, atMs: 0 } as const
  const sent = { direction: 'sent', text: `From: ${demoNumbers.a}`, atMs: 0 } as const
  return {
    voices,
    binding: { id: '1', x, phoneA: '138****0001', phoneB: '139****0002' },
    record: {
      id: 'c',
      callTime: '',
      startTime: '2030-01-01T00:00:00Z',
      releaseReason: 'normal',
      recorded: true,
    },
    recording: { file: 'c.wav', seconds: 10, channels: [voices.caller, voices.callee] },
    placed: {
      answer: { answered: true },
      placedAt: new Date(0),
      caller: { diary: [sent, received] },
      callerCall: { invite: undefined, times, heard: heard(voices.callee, voices.ringback) },
      callee: { diary: [received] },
      calleeCall: { invite, times, heard: heard(voices.caller) },
    },
  }
}

function failed(evidence: Evidence): readonly string[] {
  return judgeCall(evidence).flatMap(({ held, text }) => (held ? [] : [text]))
}

describe('the story of the demo call', () => {
  test('every point holds when all is well', () => {
    expect(failed(goodEvidence())).toEqual([])
    expect(judgeCall(goodEvidence())).toHaveLength(8)
  })

  test('fails when B sees another number than X', () => {
    const evidence = goodEvidence()
    expect(failed({ ...evidence, binding: { ...evidence.binding, x: '+8617000000002' } })).toEqual([
      expect.stringContaining('showed +8617000000001'),
    ])
  })

  test.each(['+8613800000001', '8613800000001', '013800000001', 'sip:%2B8613800000001@'])(
    "fails when B is sent A's number as %s",
    (text) => {
      const evidence = goodEvidence()
      const leak = { direction: 'received', text: `X-Id: ${text}`, atMs: 0 } as const
      const callee = { diary: [...(evidence.placed.callee?.diary ?? []), leak] }
      expect(failed({ ...evidence, placed: { ...evidence.placed, callee } })).toEqual([
        expect.stringContaining('1 with one'),
      ])
    },
  )

  test('fails when A hears nothing before the answer, or another sound than the ringback', () => {
    const evidence = goodEvidence()
    for (const early of [new Int16Array(8000), voices.caller]) {
      const callerCall = { ...evidence.placed.callerCall, heard: heard(voices.callee, early) }
      expect(failed({ ...evidence, placed: { ...evidence.placed, callerCall } })).toEqual([
        expect.stringContaining('not the enterprise ringback'),
      ])
    }
  })

  test('says nothing of the ringback when another B answers at once', () => {
    const evidence = goodEvidence()
    const { placed } = evidence
    const otherB = (answered: number) => ({
      ...placed,
      callee: undefined,
      calleeCall: undefined,
      callerCall: {
        ...placed.callerCall,
        times: { ringing: 40, answered, ended: 13_000 },
        heard: heard(voices.callee, new Int16Array()),
      },
    })
    expect(failed({ ...evidence, placed: otherB(60) })).toEqual([])
    expect(failed({ ...evidence, placed: otherB(3000) })).toEqual([
      expect.stringContaining('not the enterprise ringback'),
    ])
  })

  test('fails when the sides do not hear each other', () => {
    const evidence = goodEvidence()
    const calleeCall = {
      invite: evidence.placed.calleeCall?.invite,
      times: evidence.placed.callerCall.times,
      heard: heard(new Int16Array(8000)),
    }
    expect(failed({ ...evidence, placed: { ...evidence.placed, calleeCall } })).toEqual([
      'B heard A at silence: 0 of 1 parts of what A said',
    ])
  })

  test('fails when the recording has one side on both channels, or is missing', () => {
    const evidence = goodEvidence()
    const channels = [voices.caller, voices.caller]
    const recording = { file: 'c.wav', seconds: 10, channels }
    expect(failed({ ...evidence, recording })).toEqual([expect.stringContaining('recording of')])
    expect(failed({ ...evidence, recording: undefined })).toEqual(['there is no recording'])
  })

  test('says why a call was not answered', () => {
    const evidence = goodEvidence()
    const answer = { answered: false, status: 486, reason: 'Busy Here' } as const
    expect(failed({ ...evidence, placed: { ...evidence.placed, answer } })).toEqual([
      'the call was not answered: 486 Busy Here',
    ])
  })
})

test('the voices of the demo are what the phones can play', async () => {
  for (const name of ['caller', 'callee']) {
    const samples = readWav(await readFile(`config/demo/${name}.wav`))
    expect(samples?.length).toBeGreaterThan(3 * 8000)
  }
})
