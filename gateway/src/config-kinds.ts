import { createPublicKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'

/** What the table and the error texts need to know of a variable beside its description. */
export const notes = z.registry<{
  /** Shown as the default where there is none to parse. */
  fallback?: string
  /** Never shown, not even when it is wrong. */
  secret?: true
}>()

/** A variable that is text in the environment and a value inside. `expected` is what the operator reads when it is wrong. */
function kind<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.string().transform((text, context): T => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: expected })
    return z.NEVER
  })
}

export const anyText = () => z.string()

export const whole = (min: number, max: number) =>
  kind(`a whole number from ${min} to ${max}`, (text) => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : undefined
  })

/** The longest a timer of Node can wait. */
const longestMs = 2_147_483_647

export const milliseconds = () => whole(1, longestMs)

export const oneOf = <const T extends string>(...words: readonly T[]) =>
  kind(`one of ${words.join(', ')}`, (text) => words.find((word) => word === text))

/** Without the slash at the end, so that a path can be put behind it. */
export const webAddress = () =>
  kind('an address that begins with http:// or https://, without ? and #', (text) => {
    const url = URL.canParse(text) ? new URL(text) : null
    const plain = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
    return plain ? text.replace(/\/+$/, '') : undefined
  })

export const serverAddress = (...schemes: readonly string[]) =>
  kind(`an address that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`, (text) => {
    const url = URL.canParse(text) ? new URL(text) : null
    return url !== null && url.hostname !== '' && schemes.includes(url.protocol.slice(0, -1)) ? text : undefined
  })

export const delays = () =>
  kind(`milliseconds separated by commas, each a whole number from 1 to ${longestMs}`, (text) => {
    const list = text.split(',').map((part) => part.trim())
    const good = list.every((part) => /^\d{1,10}$/.test(part) && Number(part) >= 1 && Number(part) <= longestMs)
    return good ? list.map(Number) : undefined
  })

/** 32 bytes each, newest first. */
export const sealingKeys = () =>
  kind('32 bytes in base64, or several separated by commas, newest first', (text) => {
    const list = text.split(',').map((part) => part.trim())
    const keys = list.map((part) => Buffer.from(part, 'base64'))
    return list.every((part) => /^[A-Za-z0-9+/_-]{43}=?$/.test(part)) && keys.every((key) => key.length === 32) ? keys : undefined
  })

export const adminKey = () =>
  kind('tl_ and at least 32 more characters (at most 512 in all), no spaces', (text) => (/^tl_[\x21-\x7e]{32,509}$/.test(text) ? text : undefined))

export const routeLimits = { send: 600, availability: 200, default: 1200 }
export type RouteLimits = typeof routeLimits

/** Classes that are not named keep their default. */
export const rateLimits = () =>
  kind(`off, or requests per minute by class: ${limitsText(routeLimits)}`, (text): RouteLimits | null | undefined => {
    if (text === 'off') return null
    const limits = { ...routeLimits }
    const seen = new Set<string>()
    for (const part of text.split(',')) {
      const [, name = '', count = ''] = /^\s*([a-z]+)\s*=\s*(\d{1,9})\s*$/.exec(part) ?? []
      if (!isRoute(name) || seen.has(name) || Number(count) < 1) return undefined
      seen.add(name)
      limits[name] = Number(count)
    }
    return limits
  })

export function limitsText(limits: RouteLimits): string {
  return Object.entries(limits)
    .map(([name, count]) => `${name}=${count}`)
    .join(',')
}

function isRoute(name: string): name is keyof RouteLimits {
  return Object.hasOwn(routeLimits, name)
}

const pemBlock = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g

/** SPKI, in base64 or PEM (a PEM in one line writes its line ends as \n). Several are separated by commas. */
export const publicKeys = (type: 'ed25519' | 'rsa') =>
  kind(`a public ${type === 'rsa' ? 'RSA' : 'Ed25519'} key (SPKI in base64 or PEM), or several separated by commas`, (text) => {
    const unfolded = text.replaceAll('\\n', '\n')
    const list = unfolded.match(pemBlock) ?? unfolded.split(',').map((part) => part.trim())
    const keys = list.map((one) => toPublicKey(one))
    return keys.every((key) => key?.asymmetricKeyType === type) ? keys.filter((key) => key !== null) : undefined
  })

function toPublicKey(text: string): KeyObject | null {
  try {
    return text.startsWith('-----') ? createPublicKey(text) : createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
  } catch {
    return null
  }
}
