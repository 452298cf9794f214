import type { Channel } from './channel.ts'
import { type EslFields, headerBlock } from './esl-text.ts'

/** The few members that every event of a channel carries. The real server sends sixty and more. */
export function describeChannel(channel: Channel): EslFields {
  const { uuid, otherLeg } = channel
  return {
    'Unique-ID': uuid,
    'Channel-Unique-ID': uuid,
    'Channel-Call-UUID': uuid,
    'Channel-Name': `sofia/drachtio_mrf/${uuid}`,
    'Channel-State': channel.gone ? 'CS_HANGUP' : 'CS_EXECUTE',
    'Channel-Call-State': channel.gone ? 'HANGUP' : 'ACTIVE',
    'Channel-Read-Codec-Name': channel.codec,
    'Channel-Read-Codec-Rate': '8000',
    'Channel-Write-Codec-Name': channel.codec,
    'Channel-Write-Codec-Rate': '8000',
    'Call-Direction': 'inbound',
    'Presence-Call-Direction': 'inbound',
    'Answer-State': channel.gone ? 'hangup' : 'answered',
    'Caller-Unique-ID': uuid,
    'Caller-Destination-Number': 'drachtio',
    'Caller-Channel-Created-Time': String(channel.createdAt.getTime() * 1000),
    ...(otherLeg === undefined ? {} : { 'Other-Leg-Unique-ID': otherLeg }),
  }
}

/** The answer to `connect`: one header block, no body. */
export function channelDataReply(channel: Channel): string {
  const head = headerBlock({
    'Event-Name': 'CHANNEL_DATA',
    ...describeChannel(channel),
    ...variableFields(channel),
  })
  return `${head}Content-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n`
}

/** The answer to `uuid_dump`: the same as a body, with the counters of the RTP session. */
export function channelDump(channel: Channel): string {
  return headerBlock({
    'Event-Name': 'CHANNEL_DATA',
    ...describeChannel(channel),
    ...variableFields(channel),
    ...statisticsFields(channel),
  })
}

function variableFields(channel: Channel): EslFields {
  const fields: Record<string, string> = { variable_uuid: channel.uuid }
  for (const [name, value] of channel.variables) fields[`variable_${name}`] = value
  return fields
}

function statisticsFields({ rtp }: Channel): EslFields {
  const { received, sender } = rtp
  const expected = received.packets + received.lost
  const lossPercent = expected === 0 ? 0 : (100 * received.lost) / expected
  const numbers: Record<string, number> = {
    in_raw_bytes: received.bytes,
    in_media_bytes: received.audioBytes,
    in_packet_count: received.packets,
    in_media_packet_count: received.audioPackets,
    in_skip_packet_count: received.lost,
    in_dtmf_packet_count: received.digitPackets,
    in_cng_packet_count: received.otherPackets,
    in_quality_percentage: Math.round((100 - lossPercent) * 100) / 100,
    // The E-model's curve for G.711, loss only.
    in_mos: Math.max(1, Math.round((4.5 - lossPercent * 0.1) * 100) / 100),
    out_raw_bytes: sender.stats.bytes,
    out_media_bytes: sender.stats.bytes,
    out_packet_count: sender.stats.packets,
    out_media_packet_count: sender.stats.packets - sender.stats.digitPackets,
    out_skip_packet_count: 0,
    out_dtmf_packet_count: sender.stats.digitPackets,
    out_cng_packet_count: 0,
  }
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [`variable_rtp_audio_${name}`, String(value)]),
  )
}
