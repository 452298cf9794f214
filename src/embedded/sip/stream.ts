import { messageBytesMax } from './message.ts'

/** What a stream gave: one message, a keep-alive, or the end of trust in this stream. */
export type StreamItem =
  | { readonly kind: 'message'; readonly bytes: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'broken'; readonly bytes: string }

const lengthLine = /^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$/im

/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 18.3). A message without a usable length
 * leaves no way to find the next one, so the stream is broken from there on.
 */
export function createStreamCutter() {
  let kept = ''
  let searched = 0
  let broken = false

  function next(): StreamItem | undefined {
    if (kept.startsWith('\r\n')) return nextAfterEmptyLine()
    const end = kept.indexOf('\r\n\r\n', searched)
    if (end === -1) {
      searched = Math.max(0, kept.length - 3)
      return kept.length > messageBytesMax ? giveUp(kept.slice(0, messageBytesMax)) : undefined
    }
    const head = kept.slice(0, end + 2)
    const length = lengthLine.exec(head)?.[1]
    const total = end + 4 + Number(length ?? 0)
    if (length === undefined || total > messageBytesMax) return giveUp(`${head}\r\n`)
    if (kept.length < total) {
      searched = end
      return undefined
    }
    const bytes = kept.slice(0, total)
    kept = kept.slice(total)
    searched = 0
    return { kind: 'message', bytes }
  }

  /** A keep-alive, half a keep-alive, or just an empty line before a message. */
  function nextAfterEmptyLine(): StreamItem | undefined {
    if (kept.startsWith('\r\n\r\n')) {
      kept = kept.slice(4)
      return { kind: 'ping' }
    }
    if (kept.length < 4) return undefined
    kept = kept.slice(2)
    return next()
  }

  function giveUp(bytes: string): StreamItem {
    broken = true
    kept = ''
    return { kind: 'broken', bytes }
  }

  return {
    push(chunk: string): StreamItem[] {
      const items: StreamItem[] = []
      if (broken) return items
      kept = kept === '' ? chunk : kept + chunk
      while (kept !== '' && !broken) {
        const item = next()
        if (item === undefined) break
        items.push(item)
      }
      return items
    },
    /** Bytes that wait for the rest of their message. */
    waiting: () => kept.length,
  }
}
