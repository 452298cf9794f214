/**
 * Share of the energy that lies at a frequency (Goertzel), in windows of 100 ms, so that a jump in
 * phase between packets costs only its own window.
 */
export function shareAt(samples: Int16Array, hertz: number, rate = 8000): number {
  const size = rate / 10
  const coefficient = 2 * Math.cos((2 * Math.PI * hertz) / rate)
  let atFrequency = 0
  let total = 0
  for (let from = 0; from + size <= samples.length; from += size) {
    let before = 0
    let last = 0
    for (const sample of samples.subarray(from, from + size)) {
      total += sample * sample
      const now = sample + coefficient * last - before
      before = last
      last = now
    }
    atFrequency += (2 / size) * (last * last + before * before - coefficient * last * before)
  }
  return total === 0 ? 0 : atFrequency / total
}

/** Both channels of a 16-bit PCM wav file. */
export function readStereo(file: Buffer): { left: Int16Array; right: Int16Array; rate: number } {
  const format = file.indexOf('fmt ')
  const data = file.indexOf('data')
  if (file.readUInt16LE(format + 10) !== 2) throw new Error('the file is not stereo')
  const from = data + 8
  const frames = Math.floor(Math.min(file.readUInt32LE(data + 4), file.length - from) / 4)
  const left = new Int16Array(frames)
  const right = new Int16Array(frames)
  for (let i = 0; i < frames; i++) {
    left[i] = file.readInt16LE(from + i * 4)
    right[i] = file.readInt16LE(from + i * 4 + 2)
  }
  return { left, right, rate: file.readUInt32LE(format + 12) }
}
