/** Wait for something, but no longer than this. */
export async function within(msMax: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, msMax)
  })
  await Promise.race([work, limit])
  clearTimeout(timer)
}
