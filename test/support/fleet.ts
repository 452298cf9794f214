import type { Api } from './api.ts'
import { createLimiter } from './limiter.ts'

/** Many A, B and X, bound to each other, for load: made and removed over the engine's own interface. */
export type Fleet = {
  readonly poolKey: string
  readonly callers: readonly {
    readonly caller: string
    readonly callee: string
    readonly dialled: string
  }[]
  unbindAll(): Promise<void>
  remove(): Promise<void>
}

/** More at the same time does not make the database faster. */
const bindsAtOnce = 16

export async function createFleet(
  api: Api,
  options: { size: number; ringback?: string; recording?: boolean; first?: number },
): Promise<Fleet> {
  const { key: poolKey } = await api.createPool({
    name: `load ${Date.now() % 100_000_000}`,
    product: 'AXB',
  })
  const first = options.first ?? Date.now() % 10_000_000
  const number = (prefix: string, at: number) =>
    `+86${prefix}${String((first + at) % 100_000_000).padStart(8, '0')}`
  const people = Array.from({ length: options.size }, (_, at) => ({
    a: number('138', at * 3),
    b: number('159', at * 7),
    x: number('170', at),
  }))
  await api.addNumbers(
    poolKey,
    people.map(({ x }) => x),
  )
  const inTurn = createLimiter(bindsAtOnce)
  const expiresAt = new Date(Date.now() + 24 * 3_600_000).toISOString()
  const bindings = await Promise.all(
    people.map(({ a, b, x }) =>
      inTurn(() =>
        api.bind({
          poolKey,
          phoneA: a,
          phoneB: b,
          x,
          expiresAt,
          ...(options.ringback === undefined
            ? {}
            : { tones: { a: options.ringback, peer: options.ringback } }),
          ...(options.recording === undefined ? {} : { recording: options.recording }),
        }),
      ),
    ),
  )
  const unbindAll = async () => {
    await Promise.all(bindings.map(({ id }) => inTurn(() => api.unbind(id))))
  }
  return {
    poolKey,
    callers: people.map(({ a, b, x }) => ({ caller: a, callee: b, dialled: x })),
    unbindAll,
    async remove() {
      await unbindAll()
      await Promise.all(people.map(({ x }) => inTurn(() => api.removeNumber(x))))
    },
  }
}
