import { readFile } from 'node:fs/promises'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Li, parseYuan } from '../domain/money.ts'

/** The vendor's SpecId: 1 virtual operator (170/171), 2 carrier, 3 nationwide 95. */
export type NumberClass = 1 | 2 | 3

export type PriceList = {
  /** Of one number for one calendar month. */
  readonly rent: Readonly<Record<NumberClass, Li>>
  /** Of a call through a nationwide number. */
  readonly nationwideCallMinute: Li
  readonly recordingMinute: Li
  readonly recognitionMinute: Li
  readonly smsInterceptedSegment: Li
  readonly smsForwardedSegment: Li
}

const yuan = (fallback: string) =>
  Type.String({ pattern: '^\\d{1,9}(\\.\\d{1,3})?$', default: fallback })

const PriceFile = Type.Object(
  {
    rentVirtualOperator: yuan('5.00'),
    rentCarrier: yuan('15.00'),
    rentNationwide: yuan('0.50'),
    nationwideCallMinute: yuan('0.11'),
    recordingMinute: yuan('0.010'),
    recognitionMinute: yuan('0.060'),
    smsInterceptedSegment: yuan('0.025'),
    smsForwardedSegment: yuan('0.100'),
  },
  { additionalProperties: false },
)

/** JSON object with amounts in yuan as text, such as `{"rentCarrier": "15.00"}`; what is left out costs what it always did. */
export async function readPriceList(file: string | undefined): Promise<PriceList> {
  if (file === undefined) return priceListFrom({})
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`the price list ${file} cannot be read (PRICES_FILE)`, { cause })
  })
  try {
    return priceListFrom(JSON.parse(text))
  } catch (cause) {
    throw new Error(`the price list ${file} is not usable: ${(cause as Error).message}`, { cause })
  }
}

export function priceListFrom(given: unknown): PriceList {
  const list = Value.Default(PriceFile, given)
  if (!Value.Check(PriceFile, list)) {
    const faults = Value.Errors(PriceFile, list).map((each) =>
      `${each.instancePath.slice(1)} ${each.message}`.trim(),
    )
    throw new Error(`${faults.join('; ')}; amounts are yuan as text, such as "15.00"`)
  }
  return {
    rent: {
      1: amount(list.rentVirtualOperator),
      2: amount(list.rentCarrier),
      3: amount(list.rentNationwide),
    },
    nationwideCallMinute: amount(list.nationwideCallMinute),
    recordingMinute: amount(list.recordingMinute),
    recognitionMinute: amount(list.recognitionMinute),
    smsInterceptedSegment: amount(list.smsInterceptedSegment),
    smsForwardedSegment: amount(list.smsForwardedSegment),
  }
}

function amount(text: string): Li {
  const parsed = parseYuan(text)
  if (parsed === undefined) throw new Error(`${text} is not an amount in yuan`)
  return parsed
}
