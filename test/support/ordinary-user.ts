/** `daemon`: an ordinary user that every Debian has; `initdb` refuses a uid without a name. */
export const ordinaryUid = 1

/**
 * The words before a command that run it as an ordinary user, where we are root. The one
 * capability lets it read the project wherever that lies; it writes only where it may.
 */
export function asOrdinaryUser(): readonly string[] {
  if (process.getuid?.() !== 0) return []
  return [
    'setpriv',
    `--reuid=${ordinaryUid}`,
    `--regid=${ordinaryUid}`,
    '--clear-groups',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
    '--',
  ]
}
