/**
 * Listening to what was recorded: pure functions over 8 kHz samples, so that a test can say "A heard B" and
 * "A heard a 450 Hz tone" from the sound itself.
 */
const sampleRate = 8000
const fullScale = 32_768

/** Root mean square in dB below full scale; silence is minus infinity. */
export function levelDbfs(samples: Int16Array): number {
  if (samples.length === 0) return Number.NEGATIVE_INFINITY
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return 10 * Math.log10(sum / samples.length / fullScale ** 2)
}

/** The strongest frequency in the loudest half second, to 5 Hz; undefined in silence. */
export function dominantFrequency(samples: Int16Array): number | undefined {
  const piece = loudestPiece(samples, sampleRate / 2)
  if (levelDbfs(piece) < silenceDbfs) return undefined
  let best = { hertz: 0, power: 0 }
  for (let hertz = 100; hertz <= 3500; hertz += 5) {
    const power = powerAt(piece, hertz)
    if (power > best.power) best = { hertz, power }
  }
  return best.hertz
}

/** How much of the loudest half second's energy lies at this frequency: 1 for a pure tone, near 0 for speech. */
export function toneShare(samples: Int16Array, hertz: number): number {
  const piece = loudestPiece(samples, sampleRate / 2)
  let energy = 0
  for (const sample of piece) energy += sample * sample
  return energy === 0 ? 0 : (2 * powerAt(piece, hertz)) / (energy * piece.length)
}

/**
 * How well `reference` can be recognised in `heard`, from 0 to 1. The loudest pieces of the reference are looked
 * for at every place; a piece that was torn by a lost packet spoils only its own score. The median piece decides.
 * The same voice through two codecs scores above 0.85, another voice below 0.4.
 */
export function likeness(heard: Int16Array, reference: Int16Array): number {
  const where = halve(heard)
  const scores = loudPieces(halve(reference)).map((piece) => bestMatch(where, piece))
  scores.sort((one, two) => one - two)
  return scores[Math.floor(scores.length / 2)] ?? 0
}

export function contains(heard: Int16Array, reference: Int16Array): boolean {
  return likeness(heard, reference) > recognised
}

/** Quieter than any line noise of a codec's lowest step. */
const silenceDbfs = -60
const recognised = 0.7
const pieceSamples = 0.3 * (sampleRate / 2)
const piecesMax = 5

/** Goertzel: the power of one frequency without a whole spectrum. */
function powerAt(samples: Int16Array, hertz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hertz) / sampleRate)
  let before = 0
  let last = 0
  for (const sample of samples) {
    const next = sample + coefficient * last - before
    before = last
    last = next
  }
  return last * last + before * before - coefficient * last * before
}

function loudestPiece(samples: Int16Array, length: number): Int16Array {
  let best = samples.subarray(0, length)
  for (let at = 0; at + length <= samples.length; at += length / 4) {
    const piece = samples.subarray(at, at + length)
    if (levelDbfs(piece) > levelDbfs(best)) best = piece
  }
  return best
}

/** Half the rate is enough to tell voices apart, and costs a quarter. What would fold over is smoothed out first. */
function halve(samples: Int16Array): Float64Array {
  const at = (i: number) => samples[i] ?? 0
  return Float64Array.from(
    { length: Math.floor(samples.length / 2) },
    (_, i) => (at(2 * i - 1) + 3 * at(2 * i) + 3 * at(2 * i + 1) + at(2 * i + 2)) / 8,
  )
}

function loudPieces(samples: Float64Array): Float64Array[] {
  const pieces: { piece: Float64Array; energy: number }[] = []
  for (let at = 0; at + pieceSamples <= samples.length; at += pieceSamples) {
    const piece = samples.subarray(at, at + pieceSamples)
    pieces.push({ piece, energy: energyOf(piece) })
  }
  pieces.sort((one, two) => two.energy - one.energy)
  return pieces
    .filter(({ energy }) => energy > 0)
    .slice(0, piecesMax)
    .map(({ piece }) => piece)
}

/** The highest normalised correlation over all places. */
function bestMatch(where: Float64Array, piece: Float64Array): number {
  const pieceNorm = Math.sqrt(energyOf(piece))
  const { length } = piece
  let energy = energyOf(where.subarray(0, length))
  let best = 0
  for (let at = 0; at + length <= where.length; at++) {
    if (energy > 1) {
      let sum = 0
      for (let i = 0; i < length; i++) sum += (where[at + i] as number) * (piece[i] as number)
      best = Math.max(best, sum / (Math.sqrt(energy) * pieceNorm))
    }
    const leaving = where[at] as number
    const entering = where[at + length] ?? 0
    energy = Math.max(0, energy + entering * entering - leaving * leaving)
  }
  return best
}

function energyOf(samples: Float64Array): number {
  let energy = 0
  for (const sample of samples) energy += sample * sample
  return energy
}
