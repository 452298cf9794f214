/** How many each has; who has none takes no room. */
export function createTally<Key>() {
  const counts = new Map<Key, number>()
  return {
    of: (key: Key): number => counts.get(key) ?? 0,
    add(key: Key, more: 1 | -1): void {
      const now = (counts.get(key) ?? 0) + more
      if (now === 0) counts.delete(key)
      else counts.set(key, now)
    },
  }
}
