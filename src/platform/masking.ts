/** Seven digits and more could be somebody's number: such a run is never shown whole. */
const digitRun = /\d{7,}/g

/** For text that others wrote (library messages, error texts), in which a number may hide. */
export function maskDigitRuns(text: string): string {
  return text.replace(digitRun, (digits) => `${digits.slice(0, 2)}****${digits.slice(-2)}`)
}
