import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../platform/settings.ts'

export type Folders = {
  readonly journal: string
  readonly recordings: string
  readonly tones: string
  readonly keyFile: string
}

/** The tones that come with the project, beside `dist/` or `src/`. */
const ownTones = fileURLToPath(new URL('../../config/tones', import.meta.url))

/** Absolute, because the media server has another working folder. */
export function foldersOf(settings: Settings): Folders {
  const data = resolve(settings.AXBRIDGE_DATA)
  return {
    journal: resolve(settings.JOURNAL_DIR ?? join(data, 'journal')),
    recordings: resolve(settings.RECORDINGS_DIR ?? join(data, 'recordings')),
    tones: resolve(settings.TONES_DIR ?? ownTones),
    keyFile: resolve(settings.AXBRIDGE_KEY_FILE ?? join(data, 'number-keys')),
  }
}
