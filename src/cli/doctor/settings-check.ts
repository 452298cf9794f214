import { loadSettings } from '../../platform/settings.ts'
import type { CliEnv } from '../deps.ts'
import { type Finding, fail, ok } from './finding.ts'

/** Every fault of the settings as a finding of its own. */
export function checkSettings(env: CliEnv): Finding[] {
  try {
    loadSettings({ ...env })
    return [ok('settings', 'complete and valid')]
  } catch (err) {
    const [, ...faults] = (err instanceof Error ? err.message : String(err)).split('\n')
    return faults.map((each) =>
      fail('settings', each.trim(), 'correct it in the environment (see docs/operations.md)'),
    )
  }
}
