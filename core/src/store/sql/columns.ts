import { createHash } from 'node:crypto'

/** `text` is what is compared and indexed; `json` is never looked into; `int` is also a time in epoch milliseconds. `?`: may be null. */
export type Kind = 'text' | 'text?' | 'int' | 'int?' | 'json' | 'json?'
export type Columns = Readonly<Record<string, Kind>>

interface Values {
  text: string
  'text?': string | null
  int: number
  'int?': number | null
  json: string
  'json?': string | null
}

export type Row<C extends Columns> = { -readonly [K in keyof C]: Values[C[K]] }

const plainMax = 400

const digest = /^~[0-9a-f]{64}$/

/**
 * The text as it stands in a column: itself, or its digest where a database would refuse it (U+0000, lone surrogates, longer than an
 * index entry may be). Columns only find documents, they are never shown, so a digest serves as well; `~` keeps the two apart. A digest
 * stays what it is, so that it does no harm to apply this twice.
 */
export function key(text: string): string {
  if (text.length <= plainMax && text.isWellFormed() && !text.includes('\0') && !text.startsWith('~')) return text
  return digest.test(text) ? text : `~${createHash('sha256').update(JSON.stringify(text)).digest('hex')}`
}

export function keyOrNull(text: string | null): string | null {
  return text === null ? null : key(text)
}

/** Epoch milliseconds of a date that may be missing. */
export function ms(date: Date | null): number | null {
  return date === null ? null : date.getTime()
}

/** Makes a row of the declared columns only, every `text` fit to stand in one. */
export function createGuard<C extends Columns>(columns: C): (row: Row<C>) => Row<C> {
  const texts = new Set(Object.keys(columns).filter((name) => columns[name] === 'text' || columns[name] === 'text?'))
  const names = Object.keys(columns).map((name) => ({ name, isText: texts.has(name) }))
  return (row) => {
    const guarded: Record<string, string | number | null> = {}
    for (const { name, isText } of names) {
      const value = row[name] ?? null
      guarded[name] = isText && typeof value === 'string' ? key(value) : value
    }
    return guarded as Row<C>
  }
}
