/**
 * Lookups of the same key share a read, but only one that starts after they asked: joining a read
 * that is already under way could give an answer older than the question. So at most one read per
 * key runs and one waits, however many ask.
 */
export function createSharedReads<T>(): (key: string, read: () => Promise<T>) => Promise<T> {
  const flights = new Map<string, { running: Promise<T>; waiting: Promise<T> | undefined }>()

  function launch(key: string, read: () => Promise<T>): Promise<T> {
    const running = read()
    const flight: { running: Promise<T>; waiting: Promise<T> | undefined } = {
      running,
      waiting: undefined,
    }
    flights.set(key, flight)
    const landed = () => {
      if (flights.get(key) === flight && flight.waiting === undefined) flights.delete(key)
    }
    running.then(landed, landed)
    return running
  }

  return (key, read) => {
    const flight = flights.get(key)
    if (flight === undefined) return launch(key, read)
    flight.waiting ??= flight.running.then(
      () => launch(key, read),
      () => launch(key, read),
    )
    return flight.waiting
  }
}
