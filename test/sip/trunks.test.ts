import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, startEngine } from '../support/engine.ts'
import { createFleet } from '../support/fleet.ts'
import { findLeaksAgainst } from '../support/leak-check.ts'
import { createTcpTrunkLine } from '../support/lines.ts'
import { freeUdpPort, until } from '../support/ports.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'
import { sipp, startSipp } from '../support/sipp.ts'

let runtime: Runtime
let engine: Engine

beforeAll(async () => {
  runtime = await startRuntime()
  engine = await startEngine(runtime)
})

afterAll(async () => {
  await engine?.stop()
  await runtime?.stop()
})

test('nobody listens at the first trunk, so the call goes over the second, and all of it over TCP', async () => {
  const { api } = engine
  let phonePort = 0
  const line = await createTcpTrunkLine({
    host: '127.0.0.1',
    phone: () => ({ host: '127.0.0.1', port: phonePort }),
  })
  const local = { host: '127.0.0.1', addresses: ['127.0.0.1'], trustsIdentity: true }
  await api.createTrunk({ ...local, id: 'closed', port: await freeUdpPort(), priority: 1 })
  await api.createTrunk({ ...local, id: 'tcp', port: line.port, transport: 'tcp', priority: 2 })
  const { callers } = await createFleet(api, { size: 1 })
  const [{ caller, callee, dialled } = { caller: '', callee: '', dialled: '' }] = callers
  const common = { transport: 'tcp' as const, fields: { caller, dialled, callee, rtp_port: 9 } }
  const target = `${runtime.sip.host}:${runtime.sip.port}`
  await until(
    'the trunks are known',
    () =>
      sipp({
        ...common,
        scenario: 'uac/expect-refusal',
        target,
        fields: { ...common.fields, dialled: '+8617199999999', contact: '127.0.0.1:9' },
      }).then(() => api.callsTo('+8617199999999').then((calls) => calls.length > 0)),
    20_000,
    500,
  )

  const phone = await startSipp({
    ...common,
    scenario: 'uas/answer',
    fields: { ...common.fields, contact: `127.0.0.1:${line.port};transport=tcp` },
  })
  phonePort = phone.port
  const speaker = await startSipp({
    ...common,
    scenario: 'uac/basic-call',
    target,
    fields: { ...common.fields, contact: '127.0.0.1:9;transport=tcp' },
  })
  try {
    expect(await speaker.done).toEqual({ passed: 1, failed: 0 })
    expect(await phone.done).toEqual({ passed: 1, failed: 0 })
    const toCallee = line.packets.filter((each) => each.towards === 'party')
    const stream = Buffer.concat(toCallee.map((each) => each.bytes))
    expect(stream.toString('latin1')).toContain(`<sip:${dialled}@`)
    expect(findLeaksAgainst(stream, caller, [dialled])).toEqual([])
    // SIPp's log holds what it sent as well, so only the callee's number is looked for.
    const seenByCaller = Buffer.from(await speaker.messages())
    expect(findLeaksAgainst(seenByCaller, callee, [dialled])).toEqual([])
  } finally {
    await speaker.stop()
    await phone.stop()
    await line.close()
  }
  await until('the record is there', async () => {
    const [record] = await api.callsTo(dialled)
    return record?.releaseReason === 'normal' && record.trunkOut === 'tcp'
  })
})
