import { createHash, randomInt } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const publicLength = 8
/** 62^24 > 2^142: hardening.md §2 asks for 128 bits. */
const secretLength = 24
const checksumLength = 6
const generatedShape = new RegExp(`^tl_([0-9A-Za-z]{${publicLength}})_([0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`)

function draw(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

function checksum(text: string): string {
  let rest = createHash('sha256').update('trunkline key checksum\0').update(text).digest().readUIntBE(0, 6)
  let sum = ''
  for (let i = 0; i < checksumLength; i++, rest = Math.floor(rest / 62)) sum += alphabet[rest % 62]
  return sum
}

/** `tl_<public id>_<secret><checksum>`. The public id may be shown; the rest is shown once. */
export function generateKeyText(): string {
  const body = `${draw(publicLength)}_${draw(secretLength)}`
  return `tl_${body}${checksum(body)}`
}

/**
 * Whether this text can be a key at all, before any store is asked: `bad_checksum` is one of ours with a typo, `malformed` is nobody's.
 * An operator's own ADMIN_API_KEY needs `tl_` and at least 32 more characters (api.md §1).
 */
export function judgeKeyText(text: string): 'ok' | 'bad_checksum' | 'malformed' {
  const generated = generatedShape.exec(text)
  if (generated) return checksum(`${generated[1]}_${generated[2]}`) === generated[3] ? 'ok' : 'bad_checksum'
  return text.startsWith('tl_') && text.length >= 35 && text.length <= 512 ? 'ok' : 'malformed'
}

/** SHA-256, hex. Enough for a text of 142 random bits: a slow hash protects guessable secrets only. */
export function hashKeyText(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** `tl_` and the public id of a generated key; of an operator's own no more than its first 7 characters. */
export function hintOf(text: string): string {
  return generatedShape.test(text) ? text.slice(0, 3 + publicLength) : text.slice(0, 7)
}
