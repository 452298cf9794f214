import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Scene } from '../support/catalog.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { play } from '../support/play.ts'
import { openApiCore } from '../support/rpc-clients.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'
import { beijingIn, newCredentials } from '../support/vendor-world.ts'
import { createWorld, type World } from '../support/world.ts'

const key = newCredentials()
const call: Scene = { caller: 'uac/basic-call', callees: ['uas/answer'] }
const refused: Scene = { caller: 'uac/expect-refusal', callees: [] }
let runtime: Runtime
let engine: Engine
let world: World

beforeAll(async () => {
  runtime = await startRuntime()
  engine = await startEngine(runtime, {
    env: { AXBRIDGE_ACCESS_KEY_ID: key.id, AXBRIDGE_ACCESS_KEY_SECRET: key.secret },
  })
  world = await createWorld(engine, runtime)
})
afterAll(async () => {
  world?.close()
  await engine?.stop()
  await runtime?.stop()
})

const national = (number: string) => number.replace('+86', '')

test('a binding made with the SDK can be called and seen at once, and the other way round', async () => {
  const { api } = engine
  const ask = openApiCore(api.base, key)
  const cast = world.cast(7)
  const { key: PoolKey } = await api.createPool({ name: 'sdk', product: 'AXB' })
  await api.addNumbers(PoolKey, [cast.x])
  const PhoneNoX = national(cast.x)

  const bound = await ask('BindAxb', {
    ...{ PoolKey, PhoneNoX, PhoneNoA: national(cast.a), PhoneNoB: national(cast.b) },
    Expiration: beijingIn(3600),
  })
  const { SubsId } = bound['SecretBindDTO'] as { SubsId: string }
  const first = await play(call, cast, world.stage)
  expect(first).toMatchObject({ status: 200, callerFault: undefined, calleeFaults: [] })
  expect(await api.call('GET', `/v1/bindings/${SubsId}`)).toMatchObject({ status: 'live' })

  await ask('UnbindSubscription', { PoolKey, SubsId, SecretNo: PhoneNoX })
  expect(await play(refused, cast, world.stage)).toMatchObject({ status: 403 })
  expect(await api.call('GET', `/v1/bindings/${SubsId}`)).toMatchObject({ status: 'unbound' })

  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const { id } = await api.bind({
    ...{ poolKey: PoolKey, phoneA: cast.a, phoneB: cast.b, x: cast.x, expiresAt },
  })
  expect(await ask('QuerySubsId', { PoolKey, PhoneNoX })).toMatchObject({ SubsId: id })
  expect(await play(call, cast, world.stage)).toMatchObject({ status: 200 })
  await api.unbind(id)
  expect(await ask('QuerySubsId', { PoolKey, PhoneNoX })).toMatchObject({ SubsId: '' })
})
