import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, startEngine } from '../support/engine.ts'
import { generatedSdk, openApiClient, openApiCore, popCore } from '../support/rpc-clients.ts'
import { type Runtime, startRuntime } from '../support/runtime.ts'
import {
  type Ask,
  beijingIn,
  codeOf,
  createVendorWorld,
  newCredentials,
  type VendorWorld,
} from '../support/vendor-world.ts'

const key = newCredentials()
let runtime: Runtime
let engine: Engine
let world: VendorWorld

beforeAll(async () => {
  runtime = await startRuntime()
  engine = await startEngine(runtime, {
    env: { AXBRIDGE_ACCESS_KEY_ID: key.id, AXBRIDGE_ACCESS_KEY_SECRET: key.secret },
  })
  world = await createVendorWorld(engine)
})
afterAll(async () => {
  await engine?.stop()
  await runtime?.stop()
})

type Json = Record<string, never>
const text = "订单 #7 + * ~ ! ( ) ' &=%/?"

describe.each<[string, () => Ask]>([
  ['pop-core, GET', () => popCore(engine.api.base, key, 'GET')],
  ['pop-core, POST', () => popCore(engine.api.base, key, 'POST')],
  ['openapi-client, ACS3', () => openApiClient(engine.api.base, key, 'acs3')],
  ['openapi-client, v1', () => openApiClient(engine.api.base, key, 'v1')],
  ['openapi-core, ACS3', () => openApiCore(engine.api.base, key)],
])('%s', (_, client) => {
  async function bound(action: string, parameters: Record<string, unknown>) {
    const answer = await client()(action, { Expiration: beijingIn(3600), ...parameters })
    expect(answer).toMatchObject({ Code: 'OK', Message: 'OK' })
    return answer['SecretBindDTO'] as unknown as {
      SubsId: string
      SecretNo: string
      Extension?: string
    }
  }

  async function detail(PoolKey: string, SubsId: string, PhoneNoX: string) {
    const answer = await client()('QuerySubscriptionDetail', { PoolKey, SubsId, PhoneNoX })
    return answer['SecretBindDetailDTO'] as unknown as Json
  }

  test('BindAxb, its detail, its ids, every change of it, and its end', async () => {
    const ask = client()
    const PoolKey = world.pools.AXB
    const [PhoneNoA, PhoneNoB, PhoneNoX] = [world.person(), world.person(), await world.x(PoolKey)]
    const Expiration = beijingIn(7200)
    const dto = await bound('BindAxb', {
      ...{ PoolKey, PhoneNoA, PhoneNoB, PhoneNoX, Expiration },
      OutId: text,
      OutOrderId: 'order-1',
      IsRecordingEnabled: true,
      CallRestrict: 'CONTROL_BX_DISABLE',
      CallDisplayType: 1,
      CallTimeout: 20,
      ExpectCity: '杭州',
      RingConfig: JSON.stringify({ AXBRing_A: '10000002', AXBRing_B: '10000003' }),
      DtmfConfig: JSON.stringify({
        endCallIvrPhoneNo: 'A',
        waitingDtmfTime: 10,
        maxLoop: 2,
        step1File: '10000004',
        validKey: '1,2',
        waitingEndCall: 5,
      }),
      ASRStatus: true,
      ASRModelId: '7ee372834d2f4cc7ac0d0ab2d0ae1aac',
    })
    expect(dto).toEqual({ SubsId: expect.stringMatching(/^\d{16}$/), SecretNo: PhoneNoX })
    const ref = { PoolKey, SubsId: dto.SubsId, PhoneNoX }
    expect(await detail(PoolKey, dto.SubsId, PhoneNoX)).toEqual({
      ...{ SubsId: dto.SubsId, PhoneNoA, PhoneNoB, PhoneNoX },
      GmtCreate: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
      ExpireDate: Expiration,
      NeedRecord: true,
      Status: 1,
      CallRestrict: 'CONTROL_BX_DISABLE',
      ASRStatus: true,
      ASRModelId: '7ee372834d2f4cc7ac0d0ab2d0ae1aac',
    })
    expect(await ask('QuerySubsId', { PoolKey, PhoneNoX })).toMatchObject({ SubsId: dto.SubsId })
    expect(await engine.api.call('GET', `/v1/bindings/${dto.SubsId}`)).toMatchObject({
      outId: text,
      outOrderId: 'order-1',
      tones: { a: '10000002', peer: '10000003' },
      ringSeconds: 20,
    })

    const [a, b, later] = [world.person(), world.person(), beijingIn(9000)]
    const changes = [
      { OperateType: 'updateNoA', PhoneNoA: a },
      { OperateType: 'updateNoB', PhoneNoB: b },
      { OperateType: 'updateExpire', Expiration: later },
      { OperateType: 'updateCallRestrict', CallRestrict: 'CONTROL_CLEAR_DISABLE' },
      { OperateType: 'updateCallDisplayType', CallDisplayType: 1 },
      { OperateType: 'updateOutId', OutId: `${text}2` },
      { OperateType: 'updateIsRecordingEnabled', IsRecordingEnabled: false },
      { OperateType: 'updateAsr', ASRStatus: false, RingConfig: '{"AXBRing_A":"10000009"}' },
    ]
    for (const change of changes) {
      expect(await ask('UpdateSubscription', { ...ref, ...change })).toMatchObject({ Code: 'OK' })
    }
    const changed = await detail(PoolKey, dto.SubsId, PhoneNoX)
    expect(changed).toMatchObject({ PhoneNoA: a, PhoneNoB: b, ExpireDate: later, Status: 1 })
    expect(changed).toMatchObject({ NeedRecord: false, ASRStatus: false })
    expect(changed).not.toHaveProperty('CallRestrict')
    expect(await engine.api.call('GET', `/v1/bindings/${dto.SubsId}`)).toMatchObject({
      outId: `${text}2`,
      tones: { a: '10000009' },
    })

    const end = { PoolKey, SubsId: dto.SubsId, SecretNo: PhoneNoX }
    expect(await ask('UnbindSubscription', end)).toMatchObject({ Code: 'OK', ChargeId: 'true' })
    expect(await codeOf(ask('UnbindSubscription', end))).toBe('isv.SUBS_NOT_EXIST')
    expect(await ask('QuerySubsId', { PoolKey, PhoneNoX })).toMatchObject({ SubsId: '' })
    expect(await detail(PoolKey, dto.SubsId, PhoneNoX)).toMatchObject({ Status: 0 })
  })

  test('BindAxn with and without B, also nationwide; waybills and the old queries', async () => {
    const ask = client()
    for (const PoolKey of [world.pools.AXN, world.pools['95AXN']]) {
      const PhoneNoX = await world.x(PoolKey)
      const PhoneNoA = world.person()
      const dto = await bound('BindAxn', {
        PoolKey,
        PhoneNoA,
        PhoneNoX,
        NoType: 'any',
        Extend: 'x',
      })
      const seen = await detail(PoolKey, dto.SubsId, PhoneNoX)
      expect(seen).toMatchObject({ PhoneNoA, PhoneNoX })
      expect(seen).not.toHaveProperty('PhoneNoB')
      const trackNo = `SF-${dto.SubsId}`
      const named = { PoolKey, SubsId: dto.SubsId }
      expect(await ask('AddAxnTrackNo', { ...named, PhoneNoX, trackNo })).toMatchObject({
        Code: 'OK',
      })
      expect(await ask('QueryPhoneNoAByTrackNo', { trackNo, CabinetNo: '7' })).toMatchObject({
        Module: [{ PhoneNoA, PhoneNoX }],
      })
      expect(await ask('QueryCallStatus', named)).toMatchObject({
        SecretCallStatusDTO: { Status: 1, CalledNo: PhoneNoX },
      })
      const old = await ask('GetSubscriptionDetail', { ...named, SecretNo: PhoneNoX })
      expect(old).toMatchObject({
        Data: { PhoneNo: PhoneNoA, SecretNo: PhoneNoX, SwitchStatus: 1 },
      })
      // A number on the wire; one client reads large ones as text.
      const { SubsId: read } = old['Data'] as unknown as { SubsId: number | string }
      expect(Number(read)).toBe(Number(dto.SubsId))
      await ask('UnbindSubscription', { ...named, SecretNo: PhoneNoX })
      expect(await ask('QueryCallStatus', named)).toMatchObject({
        SecretCallStatusDTO: { Status: 4 },
      })
      expect(await ask('QueryPhoneNoAByTrackNo', { trackNo })).toMatchObject({ Module: [] })
    }
  })

  test('BindAxnExtension, given and assigned', async () => {
    const PoolKey = world.pools.AXN_EXTENSION
    const PhoneNoX = await world.x(PoolKey)
    const given = await bound('BindAxnExtension', {
      ...{ PoolKey, PhoneNoX, PhoneNoA: world.person(), Extension: '12' },
    })
    expect(given).toMatchObject({ SecretNo: PhoneNoX, Extension: '12' })
    const assigned = await bound('BindAxnExtension', {
      ...{ PoolKey, PhoneNoA: world.person(), PhoneNoB: world.person() },
    })
    expect(assigned.Extension).toMatch(/^\d{3}$/)
    expect(await detail(PoolKey, given.SubsId, PhoneNoX)).toMatchObject({ Extension: '12' })
    const again = { PoolKey, PhoneNoX, PhoneNoA: world.person(), Expiration: beijingIn(600) }
    const taken = client()('BindAxnExtension', { ...again, Extension: '12' })
    expect(await codeOf(taken)).toBe('isv.BIND_CONFLICT')
    const withoutX = { PoolKey, PhoneNoA: world.person(), Expiration: beijingIn(600) }
    const needsX = client()('BindAxnExtension', { ...withoutX, Extension: '5' })
    expect(await codeOf(needsX)).toBe('MissingPhoneNoX')
  })

  test('groups, BindAxg and BindBatchAxg', async () => {
    const ask = client()
    const PoolKey = world.pools.AXG
    const members = [world.person(), world.person()]
    const group = await ask('CreateAxgGroup', {
      ...{ PoolKey, Name: '骑手 A+B', Remark: text.slice(0, 20), Numbers: members.join(',') },
    })
    const GroupId = group['GroupId'] as number
    expect(Number.isSafeInteger(GroupId)).toBe(true)
    const empty = (await ask('CreateAxgGroup', { PoolKey }))['GroupId'] as number
    const PhoneNoX = await world.x(PoolKey)
    const PhoneNoA = world.person()
    const dto = await bound('BindAxg', { PoolKey, PhoneNoA, PhoneNoX, GroupId })
    expect(await detail(PoolKey, dto.SubsId, PhoneNoX)).toMatchObject({ GroupId, PhoneNoA })
    for (const OperateType of ['addNumbers', 'deleteNumbers', 'overwriteNumbers']) {
      const edit = { PoolKey, GroupId, OperateType, Numbers: world.person() }
      expect(await ask('OperateAxgGroup', edit)).toMatchObject({ Code: 'OK' })
    }
    expect(await codeOf(ask('DeleteAxgGroup', { PoolKey, GroupId }))).toBe('isv.FORBIDDEN_ACTION')
    const ref = { PoolKey, SubsId: dto.SubsId, PhoneNoX }
    const other = (await ask('CreateAxgGroup', { PoolKey, Numbers: world.person() }))['GroupId']
    const moved = { ...ref, OperateType: 'updateAxgGroup', GroupId: other }
    expect(await ask('UpdateSubscription', moved)).toMatchObject({ Code: 'OK' })
    expect(await ask('DeleteAxgGroup', { PoolKey, GroupId })).toMatchObject({ Code: 'OK' })

    const item = (extra: object) => ({ Expiration: beijingIn(900), GroupId: other, ...extra })
    const free = await world.x(PoolKey)
    const batch = await ask('BindBatchAxg', {
      PoolKey,
      AxgBindList: [
        item({ PhoneNoA: world.person(), PhoneNoX: free, OutId: text, IsRecordingEnabled: true }),
        item({ PhoneNoA: world.person(), PhoneNoX: free }),
        item({ PhoneNoA: world.person(), GroupId: empty }),
        item({ PhoneNoA: 'not a number' }),
      ],
    })
    const list = (batch['SecretBindList'] as unknown as { SecretBind: Json[] }).SecretBind
    expect(batch).toMatchObject({ Code: 'OK' })
    const codes = list.map((each) => String(each['Code']))
    // The first two want the same X at the same time: either may have it.
    expect(codes.slice(0, 2).sort()).toEqual(['OK', 'isv.BIND_CONFLICT'])
    expect(codes.slice(2)).toEqual(['isv.FORBIDDEN_ACTION', 'isv.MOBILE_NUMBER_ILLEGAL'])
    const winner = list.find((each) => each['Code'] === ('OK' as never))
    expect(winner).toMatchObject({ SecretNo: free, SubsId: expect.stringMatching(/^\d{16}$/) })
  })

  test('numbers: locked, unlocked, looked at, bought and released', async () => {
    const ask = client()
    const PoolKey = world.pools.AXN
    const SecretNo = await world.x(PoolKey)
    const status = async () => {
      const answer = await ask('QuerySecretNoDetail', { PoolKey, SecretNo })
      return (answer['SecretNoInfoDTO'] as unknown as Json)['SecretStatus']
    }
    expect(await status()).toBe(0)
    expect(await ask('LockSecretNo', { PoolKey, SecretNo })).toMatchObject({ Code: 'OK' })
    expect(await status()).toBe(2)
    const bind = {
      PoolKey,
      PhoneNoA: world.person(),
      PhoneNoX: SecretNo,
      Expiration: beijingIn(600),
    }
    expect(await codeOf(ask('BindAxn', bind))).toBe('isv.FORBIDDEN_ACTION')
    expect(await ask('UnlockSecretNo', { PoolKey, SecretNo })).toMatchObject({ Code: 'OK' })
    const dto = await bound('BindAxn', bind)
    expect(await status()).toBe(1)
    expect(await codeOf(ask('ReleaseSecretNo', { PoolKey, SecretNo }))).toBe('isv.FORBIDDEN_ACTION')
    await ask('UnbindSubscription', { PoolKey, SecretNo, SubsId: dto.SubsId })
    expect(await ask('ReleaseSecretNo', { PoolKey, SecretNo })).toMatchObject({ Code: 'OK' })
    expect(await codeOf(ask('QuerySecretNoDetail', { PoolKey, SecretNo }))).toBe('isv.NO_NOT_EXIST')
  })

  test('blacklists', async () => {
    const ask = client()
    const PoolKey = world.pools.AXB
    const [n1, n2] = [world.person(), world.person()]
    const pair = { PoolKey, BlackNo: `${n1}:${n2}`, BlackType: 'POINT_TO_POINT_BLACK' }
    const one = { PoolKey, BlackNo: n1, BlackType: 'PARTNER_GLOBAL_NUMBER_BLACK', Remark: text }
    for (const [action, asked] of [
      ['AddSecretBlacklist', one],
      ['AddSecretBlacklist', { ...pair, WayControl: 'PHONEA_REJECT' }],
      ['DeleteSecretBlacklist', one],
      ['DeleteSecretBlacklist', pair],
      [
        'OperateBlackNo',
        { PoolKey: world.pools.AXN, BlackNo: n1, OperateType: 'AddBlack', Tips: text },
      ],
      ['OperateBlackNo', { PoolKey: world.pools.AXN, BlackNo: n1, OperateType: 'DeleteBlack' }],
    ] as const) {
      expect(await ask(action, asked), action).toMatchObject({ Code: 'OK' })
    }
    const onAxg = ask('AddSecretBlacklist', { ...one, PoolKey: world.pools.AXG })
    expect(await codeOf(onAxg)).toBe('isv.FORBIDDEN_ACTION')
  })

  test('of a call without recording, transcript or message there is none', async () => {
    const ask = client()
    const CallId = '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'
    const CallTime = beijingIn(-60)
    const PoolKey = world.pools.AXB
    const none = 'isv.ILLEGAL_ARGUMENT'
    const asked = { PoolKey, CallId, CallTime }
    expect(await codeOf(ask('QueryRecordFileDownloadUrl', asked))).toBe(none)
    const epoch = ask('QueryRecordFileDownloadUrl', { ...asked, CallTime: '1764000000000' })
    expect(await codeOf(epoch)).toBe('isv.INVALID_PARAMETERS')
    const both = { PartnerKey: PoolKey, CallId, CallTime, CheckSubs: true }
    expect(await codeOf(ask('GetTotalPublicUrl', both))).toBe(none)
    expect(await codeOf(ask('GetSecretAsrDetail', asked))).toBe(none)
    const sms = { PoolKey, CallId, SecretNo: await world.x(PoolKey) }
    expect(await codeOf(ask('ConfirmSendSms', sms))).toBe('isv.FORBIDDEN_ACTION')
  })

  test.each<[string, string, (w: VendorWorld) => Promise<Record<string, unknown>>]>([
    ['isv.POOLKEY_NOT_EXISTS', 'BindAxb', async () => ({ PoolKey: 'FC999999999999999' })],
    ['isv.POOLKEY_NOT_EXISTS', 'BindAxb', async () => ({ PoolKey: 'nonsense' })],
    ['isv.MOBILE_NUMBER_ILLEGAL', 'BindAxb', async () => ({ PhoneNoA: '12ab' })],
    ['isv.EXPIRE_DATE_ILLEGAL', 'BindAxb', async () => ({ Expiration: beijingIn(30) })],
    ['isv.EXPIRE_DATE_ILLEGAL', 'BindAxb', async () => ({ Expiration: '2031-02-30 00:00:00' })],
    ['isv.EXPIRE_DATE_ILLEGAL', 'BindAxb', async () => ({ Expiration: 'tomorrow' })],
    ['isv.NO_NOT_EXIST', 'BindAxb', async () => ({ PhoneNoX: '17199999999' })],
    ['isv.FORBIDDEN_ACTION', 'BindAxb', async (w) => ({ PhoneNoX: await w.x(w.pools.AXN) })],
    ['isv.FORBIDDEN_ACTION', 'BindAxb', async (w) => ({ PoolKey: w.pools.AXN })],
    ['isv.INVALID_PARAMETERS', 'BindAxb', async () => ({ RingConfig: '{"AXNRing_A":"1"}' })],
    ['isv.INVALID_PARAMETERS', 'BindAxb', async () => ({ RingConfig: 'none' })],
    ['isv.INVALID_PARAMETERS', 'BindAxb', async () => ({ DtmfConfig: '{"maxLoop":1}' })],
    ['isv.INVALID_PARAMETERS', 'BindAxb', async () => ({ ASRStatus: true })],
    ['MissingPhoneNoA', 'BindAxb', async () => ({ PhoneNoA: undefined })],
    ['MissingPoolKey', 'BindAxb', async () => ({ PoolKey: undefined })],
    ['InvalidCallRestrict', 'BindAxb', async () => ({ CallRestrict: 'ALL' })],
    ['InvalidIsRecordingEnabled', 'BindAxb', async () => ({ IsRecordingEnabled: 'perhaps' })],
  ])('%s', async (code, action, change) => {
    const changed = await change(world)
    const asked = Object.fromEntries(
      Object.entries({
        PoolKey: world.pools.AXB,
        PhoneNoA: world.person(),
        PhoneNoB: world.person(),
        Expiration: beijingIn(600),
        ...changed,
      }).filter(([, value]) => value !== undefined),
    )
    expect(await codeOf(client()(action, asked))).toBe(code)
  })

  test('conflicts', async () => {
    const ask = client()
    const PoolKey = world.pools.AXB
    const PhoneNoX = await world.x(PoolKey)
    const [a, b, c, d] = [world.person(), world.person(), world.person(), world.person()]
    const terms = { PoolKey, PhoneNoX, Expiration: beijingIn(600) }
    await bound('BindAxb', { ...terms, PhoneNoA: a, PhoneNoB: b })
    const twice = ask('BindAxb', { ...terms, PhoneNoA: c, PhoneNoB: a })
    expect(await codeOf(twice)).toBe('isv.BIND_CONFLICT')
    const { SubsId } = await bound('BindAxb', { ...terms, PhoneNoA: c, PhoneNoB: d })
    const ref = { PoolKey, SubsId, PhoneNoX }
    const clash = ask('UpdateSubscription', { ...ref, OperateType: 'updateNoA', PhoneNoA: b })
    expect(await codeOf(clash)).toBe('isv.UPDATE_CONFLICT')
    const gone = {
      ...ref,
      PhoneNoX: await world.x(PoolKey),
      OperateType: 'updateOutId',
      OutId: 'x',
    }
    expect(await codeOf(ask('UpdateSubscription', gone))).toBe('isv.SUBS_NOT_EXIST')
    const nothing = ask('UpdateSubscription', { ...ref, OperateType: 'updateNoA' })
    expect(await codeOf(nothing)).toBe('MissingPhoneNoA')
    const unknownPool = ask('QuerySubsId', { PoolKey: 'FC999999999999999', PhoneNoX })
    expect(await codeOf(unknownPool)).toBe('POOLKEY_NOT_EXIST')
  })
})

test('the SDK of this very API, unmodified', async () => {
  const ask = generatedSdk(engine.api.base, key)
  const PoolKey = world.pools.AXB
  const [PhoneNoA, PhoneNoB, PhoneNoX] = [world.person(), world.person(), await world.x(PoolKey)]
  const terms = { PoolKey, PhoneNoA, PhoneNoB, PhoneNoX, Expiration: beijingIn(600), OutId: text }
  const answer = await ask('BindAxb', terms)
  const { SubsId } = answer['SecretBindDTO'] as unknown as { SubsId: string }
  const ref = { PoolKey, SubsId, PhoneNoX }
  expect(await ask('QuerySubscriptionDetail', ref)).toMatchObject({
    SecretBindDetailDTO: { PhoneNoA, PhoneNoB, Status: 1 },
  })
  const change = { ...ref, OperateType: 'updateOutId', OutId: 'another' }
  expect(await ask('UpdateSubscription', change)).toMatchObject({ Code: 'OK' })
  expect(await ask('UnbindSubscription', { PoolKey, SubsId, SecretNo: PhoneNoX })).toMatchObject({
    Code: 'OK',
  })
})
