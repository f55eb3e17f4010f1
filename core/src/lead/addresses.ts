// The `min` build: lengths per country, which is all that is asked, at half the metadata. The patterns of the larger builds would refuse numbers
// that were allotted after this release, and those of documentation (555) and drama (07700 900).
import { getCountries, getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/min'
import type { Channel } from '../message/message.ts'
import type { AddressField, Lead } from './lead.ts'

export type Normalised = { ok: true; value: string } | { ok: false; why: string }

export const phoneFields = ['phone', 'altPhone1', 'altPhone2', 'altPhone3'] as const satisfies readonly AddressField[]
export const emailFields = ['email', 'altEmail1', 'altEmail2', 'altEmail3'] as const satisfies readonly AddressField[]

/** product.md §3: the order in which addresses are tried. */
const orders: Record<Channel, readonly AddressField[]> = {
  imessage: ['phone', 'email', 'altPhone1', 'altPhone2', 'altPhone3', 'altEmail1', 'altEmail2', 'altEmail3'],
  sms: phoneFields,
  email: emailFields,
}

/** The lead's addresses for a channel, in the order they are tried, each once. */
export function orderFor(channel: Channel, lead: Pick<Lead, AddressField>): string[] {
  return [...new Set(orders[channel].flatMap((field) => lead[field] ?? []))]
}

const countryCodes = new Set<string>(getCountries().map((country) => `+${getCountryCallingCode(country)}`))

/** Whether some country has this code (`+1`): only then can a national number be read under it. */
export function isCountryCode(code: string): boolean {
  return countryCodes.has(code)
}

/** Whether this text reads differently under different default country codes. */
export function isNational(text: string): boolean {
  return !/^[\s(]*(\+|＋|00)/.test(text)
}

/**
 * A telephone number as E.164 (ITU-T E.164). `defaultCountryCode` (`+1`) is what a national number is read under. `00` counts as `+`.
 * Accepts what is possible by its length in its country. Refuses letters, extensions, and more than one number.
 */
export function normalisePhone(text: string, defaultCountryCode: string): Normalised {
  const trimmed = text.trim()
  if (trimmed.length > 40) return { ok: false, why: 'is too long for a phone number' }
  const international = isNational(trimmed) ? trimmed : trimmed.replace(/^([\s(]*)00/, '$1+')
  if (isNational(international) && !isCountryCode(defaultCountryCode)) return { ok: false, why: 'needs its country code, such as +1' }
  const parsed = parsePhoneNumberFromString(international, { defaultCallingCode: defaultCountryCode.replace('+', ''), extract: false })
  if (!parsed) return { ok: false, why: 'is not a phone number' }
  if (parsed.ext) return { ok: false, why: 'has an extension, which cannot be written to' }
  if (!parsed.isPossible()) return { ok: false, why: 'has too few or too many digits for its country' }
  return { ok: true, value: parsed.number }
}

/** Characters that mean something in a header or an address list: none of them in a plain address. */
const forbidden = /[\s\p{Cc}\p{Cf}"(),:;<>@[\\\]]/u

/** An email address, trimmed and lower-cased (RFC 5321 lengths, no quoted local part, a domain with a dot). */
export function normaliseEmail(text: string): Normalised {
  const value = text.trim().normalize('NFC').toLowerCase()
  if (value.length > 254) return { ok: false, why: 'is too long for an email address' }
  const at = value.lastIndexOf('@')
  const local = value.slice(0, Math.max(at, 0))
  if (local === '' || local.length > 64 || forbidden.test(local)) return { ok: false, why: 'is not an email address' }
  const labels = value.slice(at + 1).split('.')
  const isLabel = (label: string) => /^[\p{L}\p{M}\p{N}-]{1,63}$/u.test(label) && !label.startsWith('-') && !label.endsWith('-')
  if (labels.length < 2 || !labels.every(isLabel)) return { ok: false, why: 'has no domain that could receive email' }
  return { ok: true, value }
}

/** Whichever it is: with an `@` an email address, else a phone number. */
export function normaliseAddress(text: string, defaultCountryCode: string): Normalised {
  return text.includes('@') ? normaliseEmail(text) : normalisePhone(text, defaultCountryCode)
}
