import type { Peer } from './transport.ts'

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
  /** Up to this length nothing has to be looked at again. */
  let needed = 1

  /** Undefined: more bytes must come first. */
  function next(): string | 'broken' | undefined {
    const hash = kept.indexOf('#')
    const digits = hash === -1 ? kept : kept.slice(0, hash)
    if (digits.length > lengthDigitsMax || /\D/.test(digits)) return 'broken'
    if (hash === -1) return undefined
    const length = Number(digits)
    if (length === 0 || length > frameBytesMax) return 'broken'
    needed = hash + 1 + length
    if (kept.length < needed) return undefined
    const frame = kept.slice(hash + 1, needed)
    kept = kept.slice(needed)
    needed = 1
    return frame
  }

  return {
    push(chunk: string): { readonly frames: readonly string[]; readonly broken: boolean } {
      kept = kept === '' ? chunk : kept + chunk
      const frames: string[] = []
      while (kept.length >= needed) {
        const frame = next()
        if (frame === 'broken') return { frames, broken: true }
        if (frame === undefined) break
        frames.push(frame)
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

/** What is told about a message in the line before it. */
export type Meta = {
  readonly source: 'network' | 'application'
  readonly bytes: number
  readonly transport: string
  readonly host: string
  readonly port: number
}

export function metaOf(source: Meta['source'], bytes: string, peer: Peer): Meta {
  const { transport, host, port } = peer
  return { source, bytes: bytes.length, transport, host, port }
}

export function metaText(meta: Meta): string {
  const { source, bytes, transport, host, port } = meta
  return `${source}|${bytes}|${transport}|${host}|${port}|${timeOfDay()}`
}

let lastMs = 0
let lastText = ''

/** `HH:MM:SS.uuuuuu` in UTC. Under load many messages share a millisecond. */
function timeOfDay(): string {
  const now = Date.now()
  if (now !== lastMs) {
    lastMs = now
    lastText = `${new Date(now).toISOString().slice(11, 23)}000`
  }
  return lastText
}
