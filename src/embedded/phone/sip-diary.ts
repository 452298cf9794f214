import { type SipMessage, serialize } from '../sip/message.ts'

/** One SIP message that a phone sent or received, as text, to look for what must not be in it. */
export type DiaryEntry = {
  readonly direction: 'sent' | 'received'
  readonly text: string
  readonly atMs: number
}

/** A test's worth; a phone left ringing for days must not grow. */
const entriesMax = 10_000

export function createSipDiary() {
  const entries: DiaryEntry[] = []

  return {
    entries,
    note(direction: 'sent' | 'received', message: SipMessage): void {
      if (entries.length >= entriesMax) return
      entries.push({ direction, text: serialize(message), atMs: performance.now() })
    },
  }
}

export type SipDiary = ReturnType<typeof createSipDiary>
