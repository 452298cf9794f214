import { toBuffer, toString as toText } from 'qrcode'

/** Read at arm's length from a screen or paper, also when a corner is covered. */
const level = { errorCorrectionLevel: 'M', margin: 4 } as const
/** Sharp on a page of A4 when it is shown some 6 cm wide. */
const pngPixels = 600

export type QrCode = {
  /** SVG document. */
  readonly svg: string
  /** PNG, base64. */
  readonly png: string
}

export async function qrCodeOf(url: string): Promise<QrCode> {
  const [svg, png] = await Promise.all([
    toText(url, { ...level, type: 'svg' }),
    toBuffer(url, { ...level, type: 'png', width: pngPixels }),
  ])
  return { svg, png: png.toString('base64') }
}
