type Revive = (holder: Record<string, unknown>) => void

function reviveAt(segments: readonly string[]): Revive {
  const [head = '', ...rest] = segments
  const isList = head.endsWith('[]')
  const name = isList ? head.slice(0, -2) : head
  if (rest.length === 0) {
    return (holder) => {
      const value = holder[name]
      if (typeof value === 'string') holder[name] = new Date(value)
    }
  }
  const below = reviveAt(rest)
  return (holder) => {
    const value = holder[name]
    if (isList && Array.isArray(value)) for (const element of value) below(element)
    else if (!isList && typeof value === 'object' && value !== null) below(value as Record<string, unknown>)
  }
}

/** Every path at which a `T` holds a date; inside `Record<string, …>` there is none, what is there is the user's. */
export type DatePath<T> = string extends keyof T ? never : { [K in keyof T & string]: PathAt<NonNullable<T[K]>, K> }[keyof T & string]

type PathAt<V, P extends string> = V extends Date
  ? P
  : V extends readonly (infer E)[]
    ? PathAt<NonNullable<E>, `${P}[]`>
    : V extends object
      ? `${P}.${DatePath<V>}`
      : never

/**
 * Reads documents that were written by `JSON.stringify`, and makes dates again of the named paths only (`createdAt`, `hold.until`,
 * `history[].at`): a text that merely looks like a date is the user's and stays a text. A path that is left out does not compile.
 */
export function createReader<T>(dates: Readonly<Record<DatePath<T>, true>>): (text: string) => T {
  const revivers = Object.keys(dates).map((path) => reviveAt(path.split('.')))
  return (text) => {
    const doc: Record<string, unknown> = JSON.parse(text)
    for (const revive of revivers) revive(doc)
    return doc as T
  }
}
