/** For text that may repeat what was typed: no run of digits that could be a real number survives (ids have 16). */
export function maskedText(text: string): string {
  return text.replace(
    /(?<!\w|[0-9a-f]-)(?:\+|00)?\d{7,15}(?![\w-])/g,
    (digits) => `${digits.slice(0, 3)}****`,
  )
}
