/**
 * Seven digits and more could be somebody's number, also written with separators or escaped as in
 * a URI (`138-0000-0001`, `%31%33%38…`): such a run is never shown whole.
 */
const digitRun = /(?:(?:\d|%3\d)[ ()-]{0,2}){6,}(?:\d|%3\d)/gi

/** What stands behind the first line of a SIP message that a text quotes: headers and SDP, which nobody needs. */
const quotedMessage = /\r\n[\s\S]*/

/** For text that others wrote (library messages, error texts), in which a number may hide. */
export function maskDigitRuns(text: string): string {
  return text.replace(quotedMessage, '').replace(digitRun, (run) => {
    const digits = run.replace(/%3(\d)/gi, '$1').replace(/\D/g, '')
    return `${digits.slice(0, 2)}****${digits.slice(-2)}`
  })
}
