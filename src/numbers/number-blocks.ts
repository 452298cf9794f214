import { readFile } from 'node:fs/promises'

/** Beginnings of numbers with the city that they were given out in. */
export type Blocks = readonly (readonly [beginning: string, city: string])[]

/** `1991234,杭州`, `0571,杭州`; a line that begins with # is a comment. */
const linePattern = /^0?(\d{2,9})\s*,\s*([^,]{1,32})$/

/** The file of HOME_CITIES_FILE. Throws in words when it is not usable. */
export async function readBlocks(file: string | undefined): Promise<Blocks> {
  if (file === undefined) return []
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`the file ${file} cannot be read (HOME_CITIES_FILE)`, { cause })
  })
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  return lines.flatMap((line, at) => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const [, beginning, city] = linePattern.exec(line.trim()) ?? []
    if (beginning === undefined || city === undefined) {
      throw new Error(
        `${file}: line ${at + 1} is not "<first digits>,<city>", such as "1991234,杭州"`,
      )
    }
    return [[beginning, city] as const]
  })
}
