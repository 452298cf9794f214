import { DomainError } from '../domain/errors.ts'

const limitDefault = 50
const limitMax = 200

/** The place in a list that is ordered by a serial number. */
export const serialPattern = /^[1-9]\d{0,17}$/

export function pageLimit(asked: number | undefined): number {
  return Math.min(Math.max(Math.trunc(asked ?? limitDefault), 1), limitMax)
}

/**
 * From the rows of a page, of which one more than `limit` was asked for. The cursor is opaque to
 * clients, so that what it holds may change.
 */
export function pageFrom<Row, Item>(
  rows: readonly Row[],
  limit: number,
  with_: { item: (row: Row) => Item; place: (row: Row) => string },
): { items: Item[]; nextCursor: string | undefined } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more = rows.length > limit && last !== undefined
  return {
    items: shown.map((row) => with_.item(row)),
    nextCursor: more ? Buffer.from(with_.place(last)).toString('base64url') : undefined,
  }
}

/** The place that the cursor of an earlier page holds; undefined without a cursor. */
export function placeIn(cursor: string | undefined, pattern: RegExp): string | undefined {
  return placeBy(cursor, (place) => (pattern.test(place) ? place : undefined))
}

/** The same, for places that are more than a text. */
export function placeBy<Place>(
  cursor: string | undefined,
  parse: (place: string) => Place | undefined,
): Place | undefined {
  if (cursor === undefined) return undefined
  const place = parse(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (place !== undefined) return place
  const detail = 'The cursor must be one that an earlier page gave.'
  throw new DomainError('cursor-unknown', 422, detail, { vendorCode: 'isv.INVALID_PARAMETERS' })
}
