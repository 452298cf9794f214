import { randomUUID } from 'node:crypto'
import { type ApiCommands, createApiCommands } from './api-commands.ts'
import { createApplications } from './applications.ts'
import { createBridging } from './bridging.ts'
import { Channel } from './channel.ts'
import { createControlSockets } from './control-socket.ts'
import type { EslTarget } from './esl-connection.ts'
import { createEventBus, type EventBus } from './esl-events.ts'
import { createRecorder } from './recorder.ts'
import { createRtpPorts } from './rtp-ports.ts'
import { SipSide } from './sip-side.ts'
import { createSoundLibrary } from './sound-library.ts'
import { createTicker, tickMs } from './ticker.ts'

export type MediaServerOptions = {
  readonly host: string
  /** 0: any free port. */
  readonly sipPort: number
  readonly eslPort: number
  readonly password: string
  readonly rtpMin: number
  readonly rtpMax: number
  readonly heartbeatSeconds: number
  readonly sessionsMax: number
  /** Silence of this length ends a call; the channel variable rtp_timeout_sec overrules it. */
  readonly rtpTimeoutSeconds: number
  warn(text: string): void
}

export type MediaCounts = {
  readonly endpoints: number
  readonly rtpSockets: number
  readonly eslConnections: number
  readonly recordings: number
  readonly dialogs: number
}

export type MediaServer = {
  start(): Promise<{ sip: string; esl: string }>
  counts(): MediaCounts
  stop(): Promise<void>
}

const ticksPerSecond = 1000 / tickMs

export function createMediaServer(options: MediaServerOptions): MediaServer {
  const channels = new Map<string, Channel>()
  const bus = createEventBus({ coreUuid: randomUUID(), host: options.host })
  const ports = createRtpPorts({ min: options.rtpMin, max: options.rtpMax })
  const recorder = createRecorder({ warn: options.warn })
  const applications = createApplications({ library: createSoundLibrary(), recorder })
  const bridging = createBridging()
  const beat = createBeat({ channels, tick: bridging.tick, options })
  let heartbeat: NodeJS.Timeout | undefined

  const sip = new SipSide({
    host: options.host,
    port: options.sipPort,
    ports,
    channels: {
      mayTake: () => channels.size < options.sessionsMax,
      onUp: (channel, address) => control.open(channel, address),
      warn: options.warn,
      createChannel({ uuid, rtp, release, hangUp }) {
        const channel = new Channel({
          uuid,
          rtp,
          leg: { hangUp },
          bus,
          application: (name) => applications.get(name),
          onGone() {
            channels.delete(uuid)
            release()
            bridging.onGone(channel)
            control.endChannel(channel)
          },
        })
        channels.set(uuid, channel)
        beat.start()
        return channel
      },
    },
  })
  const api = createApiCommands({
    channels,
    bridging,
    recorder,
    sipAddress: () => sip.address,
    startedAt: new Date(),
  })
  const control = createControlSockets({
    bus,
    password: options.password,
    target: createTarget(channels, api),
  })

  return {
    async start() {
      await sip.start()
      const esl = await control.listen(options.host, options.eslPort)
      heartbeat = setInterval(
        () => publishHeartbeat(bus, options, channels.size),
        options.heartbeatSeconds * 1000,
      )
      return { sip: sip.address, esl }
    },
    counts: () => ({
      endpoints: channels.size,
      rtpSockets: ports.inUse,
      eslConnections: control.count,
      recordings: recorder.open,
      dialogs: sip.counts().dialogs,
    }),
    async stop() {
      clearInterval(heartbeat)
      for (const channel of channels.values()) channel.hangUp('MANAGER_REQUEST')
      beat.stop()
      await control.stop()
      await recorder.settle()
      await sip.stop()
    },
  }
}

function createTarget(channels: ReadonlyMap<string, Channel>, api: ApiCommands): EslTarget {
  return {
    api,
    execute(uuid, message) {
      channels.get(uuid)?.execute(message)
      return channels.has(uuid)
    },
    hangUp(uuid, cause) {
      const channel = channels.get(uuid)
      channel?.hangUp(cause)
      return channel !== undefined
    },
  }
}

/**
 * What happens every 20 ms while there are calls, and once a second the look for those whose RTP has died. The
 * beat rests when the last call has gone.
 */
function createBeat(deps: {
  channels: ReadonlyMap<string, Channel>
  tick(): void
  options: MediaServerOptions
}): { start(): void; stop(): void } {
  const { channels, tick, options } = deps
  const ticker = createTicker()
  let rest: (() => void) | undefined
  let beats = 0

  function beat(): void {
    tick()
    for (const channel of channels.values()) tickOne(channel, options)
    beats++
    if (beats % ticksPerSecond === 0) endSilent()
    if (channels.size > 0) return
    rest?.()
    rest = undefined
  }

  function endSilent(): void {
    for (const channel of channels.values()) {
      if (isSilent(channel, options.rtpTimeoutSeconds)) channel.hangUp('MEDIA_TIMEOUT')
    }
  }

  return {
    start() {
      rest ??= ticker.add(beat)
    },
    stop: () => ticker.stop(),
  }
}

/** One channel that fails must not stop the beat of the others. */
function tickOne(channel: Channel, { warn }: MediaServerOptions): void {
  try {
    channel.tick()
  } catch (error) {
    warn(`channel ${channel.uuid} failed: ${String(error)}`)
    channel.hangUp('NORMAL_TEMPORARY_FAILURE')
  }
}

function isSilent({ rtp, variables }: Channel, defaultSeconds: number): boolean {
  const { agreement, received } = rtp
  // On hold (either way) nothing need come, and an endpoint without a peer hears nobody.
  if (agreement === undefined || !agreement.sending || !agreement.receiving) return false
  if (agreement.remote?.port === rtp.port) return false
  const seconds = Number(variables.get('rtp_timeout_sec') ?? defaultSeconds)
  return seconds > 0 && performance.now() - received.lastAt > seconds * 1000
}

function publishHeartbeat(bus: EventBus, options: MediaServerOptions, sessions: number): void {
  bus.publish('HEARTBEAT', {
    'Event-Info': 'System Ready',
    'FreeSWITCH-IPv6': '::1',
    'FreeSWITCH-Version': 'axbridge-media',
    'Session-Count': String(sessions),
    'Max-Sessions': String(options.sessionsMax),
    'Session-Per-Sec': '100',
    'Idle-CPU': '100.000000',
  })
}
