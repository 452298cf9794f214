/**
 * X numbers by their first digits, as dialled inside the country: from the first text up to, and
 * without, the second, compared byte by byte (the operators `~>=~` and `~<~`). A range and not a
 * pattern, because a prepared `like` uses no index.
 */
export function beginningRange(beginning: string): readonly [from: string, to: string] {
  const from = `+86${beginning.replace(/\D/g, '')}`
  const last = from.charCodeAt(from.length - 1)
  return [from, from.slice(0, -1) + String.fromCharCode(last + 1)]
}
