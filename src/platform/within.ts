/** What was waited for did not come in time. */
export class LimitReached extends Error {
  constructor(what: string, ms: number) {
    super(`${what} took longer than ${ms} ms`)
    this.name = 'LimitReached'
  }
}

/**
 * The promise, or `LimitReached` when it takes longer than `ms`. What comes too late is handed to
 * `late`, so that it can be given back.
 */
export function within<T>(
  ms: number,
  what: string,
  work: Promise<T>,
  late?: (value: T) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let open = true
    const timer = setTimeout(() => {
      open = false
      reject(new LimitReached(what, ms))
    }, ms)
    work.then(
      (value) => {
        clearTimeout(timer)
        if (open) resolve(value)
        else late?.(value)
      },
      (err: unknown) => {
        clearTimeout(timer)
        reject(err)
      },
    )
  })
}
