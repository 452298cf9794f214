const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the host',
  ETIMEDOUT: 'the host does not answer',
}

/** What a code of a failed connection means, for the delivery log. Undefined: none that we know. */
export function networkWords(code: string): string | undefined {
  if (/CERT|TLS|SSL|SELF_SIGNED|ISSUER/.test(code)) return `the certificate is not good: ${code}`
  return words[code]
}
