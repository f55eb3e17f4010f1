/** Why a connection failed, from a closed set: an error's own message may hold an address with a password in it. */
export function connectionTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'ADDRESS_REFUSED') return 'its address may not be called (ALLOW_PRIVATE_ADDRESSES)'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its name cannot be resolved (${code})`
  if (code === 'ECONNREFUSED') return 'the connection was refused'
  return /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? `the connection failed (${code})` : 'the connection failed'
}

/** A server's words, fit for a message's history: short, one line, and without our secrets should it echo them. */
export function serverWords(words: string, secrets: readonly string[]): string {
  const spellings = secrets.filter((secret) => secret !== '').flatMap((secret) => [secret, encodeURIComponent(secret), btoa(unescapeToBytes(secret))])
  const secretless = spellings.reduce((text, spelling) => text.replaceAll(spelling, '…'), words)
  return secretless
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 300)
}

/** `btoa` takes bytes as characters. */
function unescapeToBytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text))
}
