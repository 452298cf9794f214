/** One line of the doctor's report. `todo` says what to do, and is there whenever not all is well. */
export type Finding = {
  readonly part: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  readonly todo?: string
}

export type Check = () => Promise<readonly Finding[]>

export const ok = (part: string, detail: string): Finding => ({ part, status: 'ok', detail })

export const warn = (part: string, detail: string, todo: string): Finding => ({
  part,
  status: 'warn',
  detail,
  todo,
})

export const fail = (part: string, detail: string, todo: string): Finding => ({
  part,
  status: 'fail',
  detail,
  todo,
})

/** Longer than any part takes when it is well, short enough to wait for. */
const checkMsMax = 8_000

/** A check that throws or hangs is a finding too. */
export async function runCheck(part: string, check: Check): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<readonly Finding[]>((resolve) => {
    const late = fail(part, `no answer within ${checkMsMax} ms`, 'see whether it is overloaded')
    timer = setTimeout(() => resolve([late]), checkMsMax)
  })
  try {
    return await Promise.race([check(), limit])
  } catch (err) {
    return [fail(part, reasonOf(err), 'see its log')]
  } finally {
    clearTimeout(timer)
  }
}

/** Drivers may put the URL with its password into the message. */
export function reasonOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err)
  const code = 'code' in err && typeof err.code === 'string' ? err.code : ''
  return (err.message || code || err.name).replace(/:\/\/[^@\s/]*@/g, '://***@')
}
