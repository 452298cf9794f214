const warmUpMs = 500
const measuredMs = 2000

/** How often it can be done in a second with so many under way at any time, after a warm-up. */
export async function perSecond(
  once: (at: number) => Promise<unknown>,
  { inFlight, ms = measuredMs }: { inFlight: number; ms?: number },
): Promise<number> {
  let next = 0
  let done = 0
  let until = performance.now() + Math.min(warmUpMs, ms)
  const worker = async () => {
    while (performance.now() < until) {
      await once(next++)
      done += 1
    }
  }
  const workers = () => Promise.all(Array.from({ length: inFlight }, () => worker()))
  await workers()
  done = 0
  const from = performance.now()
  until = from + ms
  await workers()
  return done / ((performance.now() - from) / 1000)
}
