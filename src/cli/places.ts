import { type Folders, foldersOf } from '../app/folders.ts'
import type { Settings } from '../platform/settings.ts'
import type { CliEnv } from './deps.ts'

export function dataFolder(env: CliEnv): string {
  return env.AXBRIDGE_DATA ?? '.data'
}

/** Where the engine with this environment keeps its files, also when other settings are faulty. */
export function placesOf(env: CliEnv): Folders {
  const { JOURNAL_DIR, RECORDINGS_DIR, TONES_DIR, AXBRIDGE_KEY_FILE } = env
  const folders = { JOURNAL_DIR, RECORDINGS_DIR, TONES_DIR, AXBRIDGE_KEY_FILE }
  // It looks at nothing else.
  return foldersOf({ ...folders, AXBRIDGE_DATA: dataFolder(env) } as Settings)
}
