const e164Pattern = /^\+[1-9]\d{4,14}$/

/**
 * A real person's number. It cannot be printed by accident: every way in which JavaScript turns
 * an object into text (template, JSON, console, pino) gives the masked form, and the digits live
 * in a private field. Only `reveal()` gives them out, and a tidy test lists the files that may
 * call it.
 */
export class PhoneNumber {
  #e164: string | undefined
  #open: (() => PhoneNumber) | undefined

  private constructor(e164: string | undefined, open: (() => PhoneNumber) | undefined) {
    this.#e164 = e164
    this.#open = open
  }

  /** From canonical E.164 with plus; anything else is undefined. National forms: `platform/phone-numbers.ts`. */
  static fromE164(text: string): PhoneNumber | undefined {
    return e164Pattern.test(text) ? new PhoneNumber(text, undefined) : undefined
  }

  /** One that stays sealed until it is first used: a call that is refused never opens its callee. `open` may throw then. */
  static sealed(open: () => PhoneNumber): PhoneNumber {
    return new PhoneNumber(undefined, open)
  }

  /** The real number in E.164 with plus. Each caller of this is a place where privacy can be lost. */
  reveal(): string {
    if (this.#e164 === undefined) {
      if (this.#open === undefined) throw new Error('a number has digits or a seal')
      this.#e164 = this.#open().reveal()
      this.#open = undefined
    }
    return this.#e164
  }

  equals(other: PhoneNumber): boolean {
    return this.reveal() === other.reveal()
  }

  /** `138****0001`: the first three and the last four digits of the national number. */
  toString(): string {
    const e164 = this.reveal()
    const digits = e164.startsWith('+86') ? e164.slice(3) : e164.slice(1)
    return digits.length < 8
      ? `${digits.slice(0, 1)}****`
      : `${digits.slice(0, 3)}****${digits.slice(-4)}`
  }

  toJSON(): string {
    return this.toString()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
