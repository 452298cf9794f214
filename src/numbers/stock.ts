import type { VirtualNumber } from '../domain/ids.ts'
import type { NumberClass } from './price-list.ts'

/** The vendor's codes: 1 China Mobile, 2 China Unicom, 3 China Telecom. */
export type Carrier = 1 | 2 | 3

/** See the table `stock`. */
export type StockState = 'free' | 'sold' | 'returned' | 'withdrawn'

export type StockNumber = {
  readonly x: VirtualNumber
  readonly class: NumberClass
  /** 全国通用 for class 3. */
  readonly city: string
  readonly province: string | undefined
  readonly carrier: Carrier | undefined
  readonly state: StockState
  /** Of one that was given back: from when on it can be had again. */
  readonly restsUntil: Date | undefined
  readonly addedAt: Date
}

export type StockFilter = {
  readonly class?: NumberClass | undefined
  readonly city?: string | undefined
  readonly carrier?: Carrier | undefined
  readonly state?: StockState | undefined
  /** First digits as they are dialled inside the country, or all of them. */
  readonly beginning?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** What one line of an import says. */
export type StockLine = {
  /** In the file, from 1, the header counted. */
  readonly line: number
  readonly x: VirtualNumber
  readonly class: NumberClass
  readonly city: string
  readonly province: string | undefined
  readonly carrier: Carrier | undefined
}

/** `detail` says what is wrong and what to do; it shows the line's text only where that is X or a city. */
export type LineFault = { readonly line: number; readonly detail: string }

export type ImportResult = {
  /** Lines with a number, the header and empty ones not counted. */
  readonly lines: number
  readonly added: number
  /** Were there before, with the same facts. */
  readonly unchanged: number
  readonly faulty: number
  /** The first of the faulty lines. */
  readonly faults: readonly LineFault[]
}

/** How many there are of a class in a city. */
export type StockCount = {
  readonly class: NumberClass
  readonly city: string
  readonly province: string | undefined
} & { readonly [State in StockState]: number }
