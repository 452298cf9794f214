import { LRUCache } from 'lru-cache'

/** How long a change through another process may go unnoticed. Short, because it is a revocation. */
const keptMs = 3_000
/** Far more than are in use within that time; each is a few hundred bytes. */
const entriesMax = 10_000

export type Recent<Value> = {
  /** Undefined: there is none. That too is remembered, so that asking again and again costs nothing. */
  find(key: string): Promise<Value | undefined>
  /** After a change through this process: nothing that was read before it is given out afterwards. */
  forget(): void
}

/** Remembers for a few seconds what `load` said, and asks once for all who wait. A failure is not remembered. */
export function createRecent<Value extends object>(
  load: (key: string) => Promise<Value | undefined>,
): Recent<Value> {
  const known = new LRUCache<string, { readonly value: Value | undefined }>({
    max: entriesMax,
    ttl: keptMs,
  })
  let loading = new Map<string, Promise<Value | undefined>>()

  async function loadOnce(key: string): Promise<Value | undefined> {
    const waiting = loading
    try {
      const value = await load(key)
      // Unless somebody has asked to forget meanwhile.
      if (waiting === loading) known.set(key, { value })
      return value
    } finally {
      waiting.delete(key)
    }
  }

  return {
    async find(key) {
      const hit = known.get(key)
      if (hit !== undefined) return hit.value
      const asked = loading.get(key) ?? loadOnce(key)
      loading.set(key, asked)
      return asked
    },
    forget() {
      loading = new Map()
      known.clear()
    },
  }
}
