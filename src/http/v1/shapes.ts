import { type TSchema, Type } from 'typebox'
import type { VirtualNumber } from '../../domain/ids.ts'
import type { PhoneNumber } from '../../domain/phone-number.ts'
import type { NumberParser } from '../../platform/phone-numbers.ts'
import { type Fault, RequestRefused } from '../problem.ts'

/** Schemas that several nouns share. Limits are those of the database, so that nothing passes here and fails there. */

export const poolKeyShape = Type.String({
  pattern: '^FC\\d{6,18}$',
  description: 'Key of a pool.',
  examples: ['FC100000000000001'],
})

export const bindingIdShape = Type.String({
  pattern: '^[1-9]\\d{0,15}$',
  description: "Id of a binding, the vendor API's `SubsId`.",
  examples: ['1000000000000001'],
})

export const realNumberShape = Type.String({
  minLength: 3,
  maxLength: 40,
  description:
    'A real number: mobile or fixed line, national or E.164. Never repeated by any answer.',
  examples: ['+8613800000001'],
})

export const maskedNumberShape = Type.String({
  description: 'A real number, masked.',
  examples: ['138****0001'],
})

export const virtualNumberShape = Type.String({
  minLength: 3,
  maxLength: 40,
  description: 'An X number: national or E.164; answers give E.164 with plus.',
  examples: ['+8617000000001'],
})

export const timeShape = Type.String({
  format: 'date-time',
  description: 'RFC 3339, with offset.',
  examples: ['2030-01-31T23:59:59+08:00'],
})

export const productShape = Type.Enum(['AXB', 'AXN', 'AXN_EXTENSION', '95AXN', 'AXG', 'X_MODE'])

const toneShape = (description: string) =>
  Type.Optional(Type.String({ pattern: '^[0-9A-Za-z_-]{1,32}$', description }))

export const tonesShape = Type.Object(
  {
    a: toneShape('A calls and somebody rings.'),
    alone: toneShape('A calls and there is nobody to ring.'),
    peer: toneShape('Anybody else calls and A rings.'),
    aPickup: toneShape('After the answer, when A has called.'),
    peerPickup: toneShape('After the answer, when anybody else has called.'),
  },
  {
    additionalProperties: false,
    description: 'Codes of enterprise tones; without one: what the network sends.',
    examples: [{ a: '10000002', peer: '10000002' }],
  },
)

export const ringSecondsShape = Type.Integer({
  minimum: 5,
  maximum: 180,
  description: 'How long the callee rings at most.',
  examples: [45],
})

export const talkSecondsShape = Type.Integer({
  minimum: 60,
  maximum: 86_400,
  description: 'How long a call lasts at most.',
  examples: [3600],
})

/** Text that a human wrote. No control characters: a NUL would not even fit into the database. */
export function lineOfText(
  charactersMax: number,
  options: { description: string; examples: string[] },
) {
  return Type.String({
    ...options,
    minLength: 1,
    maxLength: charactersMax,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$',
  })
}

export const pageQuery = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 200, description: 'How many; 50 unless given.' }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 512,
      pattern: '^[\\w.~=+/:-]*$',
      description: '`nextCursor` of the page before.',
    }),
  ),
}

export function pageOf<Item extends TSchema>(item: Item) {
  return Type.Object(
    {
      items: Type.Array(item),
      nextCursor: Type.Optional(
        Type.String({ description: 'Give it back as `cursor`; absent: this was the last page.' }),
      ),
    },
    { examples: [{ items: exampleOf(item), nextCursor: 'YjEwMDAwMDAwMDAwMDAwMDE' }] },
  )
}

/** For what is never more than fits into one answer. */
export function listOf<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item) }, { examples: [{ items: exampleOf(item) }] })
}

function exampleOf(item: TSchema): unknown[] {
  return 'examples' in item && Array.isArray(item.examples) ? item.examples : []
}

export type Items<Item> = { items: Item[]; nextCursor?: string }

export function pageAnswer<From, To>(
  page: { readonly items: readonly From[]; readonly nextCursor?: string | undefined },
  answer: (item: From) => To,
): Items<To> {
  const items = page.items.map((each) => answer(each))
  return page.nextCursor === undefined ? { items } : { items, nextCursor: page.nextCursor }
}

/** Times in answers: UTC, to the second where that is all there is. */
export function timeText(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z')
}

export const closed = { additionalProperties: false } as const

/** Without the properties that are undefined: absent and undefined are the same in JSON. */
export function compact<T extends object>(given: T): CompactOf<T> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as CompactOf<T>
}

type CompactOf<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** What the parser made of an X, or a refusal that names the place. */
export function virtualIn(pointer: string, text: string, parser: NumberParser): VirtualNumber {
  const x = parser.virtual(text)
  if (x !== undefined) return x
  const detail = 'is not a phone number; give it national or as E.164 with plus (%2B in a URL)'
  throw new RequestRefused([{ pointer, detail }], { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' })
}

/** The same for a list; names the place of each that is none. */
export function virtualsIn(
  pointer: string,
  texts: readonly string[],
  parser: NumberParser,
): VirtualNumber[] {
  const parsed = texts.map((text) => parser.virtual(text))
  const faults: Fault[] = parsed.flatMap((each, at) =>
    each === undefined ? [{ pointer: `${pointer}/${at}`, detail: 'is not a phone number' }] : [],
  )
  if (faults.length > 0) throw new RequestRefused(faults, { vendorCode: 'isv.ILLEGAL_ARGUMENT' })
  return parsed.filter((each) => each !== undefined)
}

/** What the parser made of a real number, or a refusal that names the place and never the number. */
export function realIn(pointer: string, text: string, parser: NumberParser): PhoneNumber {
  const [number] = realsIn(pointer, [text], parser, () => pointer)
  if (number === undefined) throw new Error('a number was lost')
  return number
}

/** The same for a list; names the place of each that is none. */
export function realsIn(
  pointer: string,
  texts: readonly string[],
  parser: NumberParser,
  placeOf = (at: number) => `${pointer}/${at}`,
): PhoneNumber[] {
  const detail =
    'is not a phone number; give mobile or fixed line with area code, or E.164 with plus'
  const parsed = texts.map((text) => parser.real(text))
  const faults: Fault[] = parsed.flatMap((each, at) =>
    each === undefined ? [{ pointer: placeOf(at), detail }] : [],
  )
  if (faults.length > 0) {
    throw new RequestRefused(faults, { vendorCode: 'isv.MOBILE_NUMBER_ILLEGAL' })
  }
  return parsed.filter((each) => each !== undefined)
}
