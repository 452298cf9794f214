/** The frames of the drachtio client protocol: `<bytes>#<payload>`, in both directions. Strings hold bytes. */

/** Far more than the real server takes, and still nothing that could fill the memory. */
const frameBytesMax = 131_072
const lengthDigitsMax = 6

export function encodeFrame(payload: string): string {
  return `${payload.length}#${payload}`
}

/** Cuts a stream into frames, wherever it was split. After `broken` nothing more comes out. */
export function createFrameCutter() {
  let kept = ''
  let needed = 1

  return {
    push(chunk: string): { readonly frames: readonly string[]; readonly broken: boolean } {
      kept += chunk
      const frames: string[] = []
      while (kept.length >= needed) {
        const hash = kept.indexOf('#')
        if (hash === -1 && kept.length <= lengthDigitsMax && /^\d*$/.test(kept)) break
        const digits = hash === -1 ? '' : kept.slice(0, hash)
        if (!/^[1-9]\d*$/.test(digits) || digits.length > lengthDigitsMax) {
          return { frames, broken: true }
        }
        const length = Number(digits)
        if (length > frameBytesMax) return { frames, broken: true }
        needed = hash + 1 + length
        if (kept.length < needed) break
        frames.push(kept.slice(hash + 1, needed))
        kept = kept.slice(needed)
        needed = 1
      }
      return { frames, broken: false }
    },
  }
}

export type AppFrame = {
  readonly id: string
  readonly type: string
  readonly tokens: readonly string[]
  /** The SIP text behind the first line, if any. */
  readonly text: string
}

export function readFrame(frame: string): AppFrame {
  const end = frame.indexOf('\r')
  const tokens = (end === -1 ? frame : frame.slice(0, end)).split('|')
  const [id = '', type = ''] = tokens
  return { id, type, tokens, text: end === -1 ? '' : frame.slice(end + 2) }
}

/** `HH:MM:SS.uuuuuu` in UTC. */
export function timeOfDay(): string {
  return `${new Date().toISOString().slice(11, 23)}000`
}
