import type { Frame } from './frames.ts'

/** The calls that have begun and not ended, each as its last event, sealed. As many as the router runs. */
export type OpenCalls = {
  apply(frame: Frame): void
  /** What frames hang on, such as the bytes of a segment, is let go. */
  settle(): void
  frames(): Frame[]
  size(): number
}

export function createOpenCalls(): OpenCalls {
  const open = new Map<string, Frame>()
  return {
    apply(frame) {
      const { callId, type } = splitEventId(frame.id)
      if (type === 'end') open.delete(callId)
      // A ring or an answer that comes behind the end must not open the call again.
      else if (frame.kind === 'open' || type === 'start' || open.has(callId)) {
        open.set(callId, frame)
      }
    },
    settle() {
      for (const [callId, frame] of open) open.set(callId, asOpen(frame))
    },
    frames: () => [...open.values()].map(asOpen),
    size: () => open.size,
  }
}

const asOpen = ({ id, json }: Frame): Frame => ({ kind: 'open', id, json })

/** `<callId>:<type>`. */
export function splitEventId(id: string): { callId: string; type: string } {
  const colon = id.lastIndexOf(':')
  return { callId: id.slice(0, colon), type: id.slice(colon + 1) }
}
