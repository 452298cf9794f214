import type { BindCommand, BindingTerms, Survey } from '../../../bindings/binding.ts'
import type { Product } from '../../../domain/call.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { ToneMoment, Tones } from '../../../domain/tones.ts'
import type { ActionContext } from '../action.ts'
import { expirationIn, jsonIn, realIn, virtualIn } from '../reading.ts'

/** The vendor's keys of RingConfig (product-semantics 1.6). */
const ringMoments: Readonly<Record<string, ToneMoment>> = {
  AXBRing_A: 'a',
  AXBRing_B: 'peer',
  AXBRing_A_PICKUP: 'aPickup',
  AXBRing_B_PICKUP: 'peerPickup',
  AXNRing_AB: 'a',
  AXNRing_A: 'alone',
  AXNRing_N: 'peer',
  AXNRing_A_PICKUP: 'aPickup',
  AXNRing_N_PICKUP: 'peerPickup',
  AXGRing_AB: 'a',
  AXGRing_A: 'alone',
  AXGRing_G: 'peer',
}

const families: Readonly<Record<Product, string | undefined>> = {
  AXB: 'AXBRing_',
  AXN: 'AXNRing_',
  '95AXN': 'AXNRing_',
  AXN_EXTENSION: 'AXNRing_',
  AXG: 'AXGRing_',
  X_MODE: undefined,
}

/** `product` undefined: of whatever product the keys are. */
export function tonesIn(text: string, product: Product | undefined): Tones {
  const family = product === undefined ? '' : (families[product] ?? 'none')
  const tones: { [Moment in ToneMoment]?: string } = {}
  for (const [key, code] of Object.entries(jsonIn(text, 'ringConfig'))) {
    const isOurs = key.startsWith(family) && Object.hasOwn(ringMoments, key)
    const moment = isOurs ? ringMoments[key] : undefined
    const known = typeof code === 'string' || typeof code === 'number'
    if (moment === undefined || !known || code === '') throw configInvalid('ringConfig')
    tones[moment] = String(code)
  }
  return tones
}

export function surveyIn(text: string): Survey {
  const config = jsonIn(text, 'dtmfConfig')
  const side = config['endCallIvrPhoneNo']
  const question = config['step1File']
  const thanks = config['step2File']
  const keys = config['validKey']
  if ((side !== 'A' && side !== 'B') || question === undefined || keys === undefined) {
    throw configInvalid('dtmfConfig')
  }
  return {
    side,
    question: String(question),
    thanks: thanks === undefined ? undefined : String(thanks),
    keys: String(keys)
      .split(',')
      .map((key) => key.trim()),
    waitSeconds: countIn(config['waitingDtmfTime']),
    loopsMax: countIn(config['maxLoop']),
    endSeconds: countIn(config['waitingEndCall']),
  }
}

function countIn(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const count = Number(value)
  if (!Number.isInteger(count)) throw configInvalid('dtmfConfig')
  return count
}

const configInvalid = (name: string) =>
  new DomainError('request-invalid', 422, `${name} invalid`, {
    vendorCode: 'isv.INVALID_PARAMETERS',
  })

export function restrictionIn(text: string | undefined): BindingTerms['restriction'] {
  if (text === 'CONTROL_AX_DISABLE') return 'AX'
  return text === 'CONTROL_BX_DISABLE' ? 'BX' : undefined
}

export function restrictionOut(restriction: BindingTerms['restriction']): string | undefined {
  return restriction === undefined ? undefined : `CONTROL_${restriction}_DISABLE`
}

type AskedBind = {
  readonly PhoneNoA: string
  readonly PhoneNoB?: string
  readonly PhoneNoX?: string
  readonly Expiration: string
  readonly ExpectCity?: string
  readonly CallRestrict?: string
  readonly IsRecordingEnabled?: boolean
  readonly OutId?: string
  readonly OutOrderId?: string
  readonly RingConfig?: string
  readonly ASRStatus?: boolean
  readonly ASRModelId?: string
}

/** What all binds have in common. `CallDisplayType` is taken and has no effect: X is what is shown (product-semantics 0.5). */
export function bindTermsIn(
  asked: AskedBind,
  product: Product | undefined,
  context: ActionContext,
): Omit<BindCommand, 'poolKey'> {
  const { PhoneNoB: b, PhoneNoX: x, RingConfig: rings } = asked
  return {
    accountId: context.accountId,
    a: realIn(asked.PhoneNoA, context),
    b: b === undefined ? undefined : realIn(b, context),
    x: x === undefined ? undefined : virtualIn(x, context),
    expiresAt: expirationIn(asked.Expiration),
    expectCity: asked.ExpectCity,
    restriction: restrictionIn(asked.CallRestrict),
    recording: asked.IsRecordingEnabled,
    outId: asked.OutId,
    outOrderId: asked.OutOrderId,
    tones: rings === undefined ? undefined : tonesIn(rings, product),
    asr: asked.ASRStatus,
    asrModel: asked.ASRModelId,
  }
}
