import { z } from 'zod'

/** Where somebody writes `""` they mean "not given": such fields are taken out before the schema looks. Unknown ones stay, to be refused. */
function dropEmpty(value: unknown, shape: object): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const isEmpty = ([key, inner]: [string, unknown]) => inner === '' && Object.hasOwn(shape, key)
  const entries = Object.entries(value)
  return entries.some(isEmpty) ? Object.fromEntries(entries.filter((entry) => !isEmpty(entry))) : value
}

/** An object of a request: unknown keys are refused by name, `""` is "not given". */
export function input<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.preprocess((value) => dropEmpty(value, shape), z.strictObject(shape))
}

export const text = (max: number) => z.string().min(1).max(max)
/** May be left out; `null` clears. */
export const maybe = (max: number) => text(max).nullish()

/** One line, for what ends up in a header of an email. */
export const line = (max: number) => text(max).regex(/^[^\r\n]*$/, 'must be one line')

/** An id as such: whether there is such a thing is for the engine to say, with a 404. */
export const id = z
  .string()
  .min(1)
  .max(120)
  .regex(/^[\w-]+$/, 'is not an id')

export const phone = text(40)
export const email = text(254).regex(/^[^\r\n]*$/, 'must be one line')

export const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 date and time with a zone, such as 2026-01-31T09:00:00Z' })
  .max(40)
  .refine((value) => !Number.isNaN(Date.parse(value)), 'is not a date that exists')

export const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as HH:mm')

const zonesKnown = new Set<string>()

function isZone(name: string): boolean {
  if (zonesKnown.has(name)) return true
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
  } catch {
    return false
  }
  // Case does not matter to Intl: bounded, so that spelling one zone in many ways fills nothing.
  if (zonesKnown.size < 1_000) zonesKnown.add(name)
  return true
}

export const zone = z.string().max(64).refine(isZone, 'must be an IANA time zone, such as America/New_York')

export const zoneOrLead = z
  .string()
  .max(64)
  .refine((name) => name === 'lead' || isZone(name), 'must be an IANA time zone or "lead"')

function isHttpUrl(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && /^[\x21-\uffff]+$/.test(value)
}

export const httpUrl = z.string().max(2_048).refine(isHttpUrl, 'must be an http or https address')

const bagBytesMax = 16_384

/** Free-form data of the caller, at most 16 kB as JSON. */
export const bag = z
  .record(z.string().max(200), z.unknown())
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= bagBytesMax, `may hold at most ${bagBytesMax} bytes`)

export function unique<T extends z.ZodType>(items: T, { min = 1, max }: { min?: number; max: number }) {
  return z
    .array(items)
    .min(min)
    .max(max)
    .refine((list) => new Set(list).size === list.length, 'holds something twice')
}

export const channel = z.enum(['imessage', 'sms', 'email'])

/** A date of a query, as a Date. */
export const since = instant.transform((value) => new Date(value))

const fromDigits = (value: unknown) => (typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value)
const fromWord = (value: unknown) => (value === 'true' ? true : value === 'false' ? false : value)

/** A yes or no of a query. */
export const flag = z.preprocess(fromWord, z.boolean()).optional()

export const page = {
  limit: z.preprocess((value) => (value === undefined ? 50 : fromDigits(value)), z.int().min(1).max(200).default(50)),
  cursor: z
    .string()
    .max(500)
    .regex(/^[\w\-.:~=+/|]+$/, 'is not a cursor of ours')
    .optional(),
}

export const byId = z.strictObject({ id })

/** Dates in answers. */
export const date = z.iso.datetime()
export const dateOrNull = date.nullable()
