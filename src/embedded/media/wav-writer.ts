import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a 16-bit wav file while it grows. The header is brought up to date with every block, so that the file
 * can be played even if this process is killed in the middle.
 */
export type WavWriter = {
  write(samples: Int16Array): void
  /** Everything is on disk and the file is closed. False: it could not be written. */
  close(): Promise<boolean>
}

const headerBytes = 44
/** One second of 8 kHz stereo per write. */
const blockSamples = 16_000
/** A disk that is this far behind (a minute) will not catch up: what comes now is dropped rather than kept. */
const waitingBlocksMax = 60

export function createWavWriter(options: {
  path: string
  rate: number
  channels: number
  onError(error: Error): void
}): WavWriter {
  const { path, rate, channels } = options
  let block = new Int16Array(blockSamples)
  let filled = 0
  let dataBytes = 0
  let waiting = 0
  let failed = false
  const opened = openFile(path)
  let last: Promise<void> = opened.then(
    async (file) => {
      await file.write(wavHeader({ rate, channels, dataBytes: 0 }), 0, headerBytes, 0)
    },
    (error: Error) => fail(error),
  )

  function fail(error: Error): void {
    if (!failed) options.onError(error)
    failed = true
  }

  function flush(): void {
    if (filled === 0 || waiting >= waitingBlocksMax) {
      filled = 0
      return
    }
    const bytes = Buffer.from(block.buffer, 0, filled * 2)
    block = new Int16Array(blockSamples)
    filled = 0
    waiting++
    last = last.then(() => append(bytes)).catch(fail)
  }

  async function append(bytes: Buffer): Promise<void> {
    waiting--
    if (failed) return
    const file = await opened
    await file.write(bytes, 0, bytes.length, headerBytes + dataBytes)
    dataBytes += bytes.length
    await file.write(wavHeader({ rate, channels, dataBytes }), 0, headerBytes, 0)
  }

  return {
    write(samples) {
      let at = 0
      while (at < samples.length) {
        const piece = samples.subarray(at, at + blockSamples - filled)
        block.set(piece, filled)
        filled += piece.length
        at += piece.length
        if (filled === blockSamples) flush()
      }
    },
    async close() {
      flush()
      await last
      const file = await opened.catch(() => undefined)
      await file?.close().catch(fail)
      return !failed
    },
  }
}

async function openFile(path: string) {
  await mkdir(dirname(path), { recursive: true })
  return open(path, 'w')
}

function wavHeader(wav: { rate: number; channels: number; dataBytes: number }): Buffer {
  const { rate, channels, dataBytes } = wav
  const header = Buffer.alloc(headerBytes)
  header.write('RIFF', 0)
  header.writeUInt32LE(headerBytes - 8 + dataBytes, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * channels * 2, 28)
  header.writeUInt16LE(channels * 2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(dataBytes, 40)
  return header
}
