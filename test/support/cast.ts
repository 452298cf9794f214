import { use } from './at-rest.ts'
import { allScenesOf, type CatalogEntry, type Product, type Scene, type Who } from './catalog.ts'

/** The people of one story; all in E.164 with plus. */
export type Cast = {
  readonly a: string
  readonly b: string
  readonly c: string
  readonly d: string
  readonly n: string
  /** Somebody who has no binding on X. */
  readonly stranger: string
  readonly x: string
  /** A virtual number that is not ours. */
  readonly unknownX: string
}

export const everybody = ['A', 'B', 'C', 'D', 'N', 'stranger'] as const satisfies readonly Who[]

/** Other numbers in each run, so that a database that is kept between runs does no harm. */
const seed = Date.now() % 100_000_000

/** Numbers that have little in common, so that one of them is never found in another by chance. */
export function castOf(index: number, product: Product = 'AXB'): Cast {
  const number = (prefix: string, step: number, offset: number) =>
    `+86${prefix}${String((seed * 31 + offset + index * step) % 100_000_000).padStart(8, '0')}`
  const cast = {
    a: number('138', 7_919_173, 0),
    b: number('159', 10_472_911, 31_415_926),
    c: number('136', 6_547_823, 57_721_566),
    d: number('158', 9_371_287, 16_180_339),
    n: number('139', 8_675_309, 69_314_718),
    x: number(product === '95AXN' ? '95013' : '170', 3_571_283, 62_831_853),
    stranger: number('187', 5_915_587, 27_182_818),
    unknownX: number('171', 4_256_249, 14_142_135),
  }
  // Callers are known to nobody but the SIP side: what is left behind is searched for them too.
  for (const who of everybody) use(numberOf(cast, who))
  return cast
}

export function numberOf(cast: Cast, who: Who): string {
  if (who === 'stranger') return cast.stranger
  return cast[({ A: 'a', B: 'b', C: 'c', D: 'd', N: 'n' } as const)[who]]
}

/** Whom A, B and the others are about in a story: they call, are rung, or are bound. */
export function peopleOf(entry: CatalogEntry): readonly Who[] {
  const called = allScenesOf(entry).flatMap(({ from = 'A', rings }) => [
    from,
    rings ?? (from === 'A' ? 'B' : 'A'),
  ])
  const bound = [entry.binding ?? {}, entry.alsoBound ?? {}].flatMap(({ a = 'A', b, members }) => [
    a,
    ...(b === undefined || b === false ? [] : [b]),
    ...(members ?? []),
  ])
  return [...new Set<Who>([...called, ...bound])]
}

/** Who calls, who is called, and how the caller's trunk writes the number. */
export function parts(scene: Scene, cast: Cast) {
  const from = scene.from ?? 'A'
  const caller = numberOf(cast, from)
  const callee = numberOf(cast, scene.rings ?? (from === 'A' ? 'B' : 'A'))
  const dials = scene.dials ?? 'X'
  // What follows X is the extension, in one of the ways of writing it.
  const x = dials === 'unknown' ? cast.unknownX : cast.x
  const dialled = dials === 'unknown' ? x : `${x}${dials.slice(1)}`
  return { caller, callee, x, dialled, shown: written(caller, scene.callerForm) }
}

function written(number: string, form: Scene['callerForm']): string {
  switch (form) {
    case undefined:
    case 'e164-plus':
      return number
    case 'e164':
      return number.slice(1)
    case '00':
      return `00${number.slice(1)}`
    case 'national':
      return number.slice(3)
  }
}
