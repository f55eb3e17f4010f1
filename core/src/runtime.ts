import { randomBytes } from 'node:crypto'

export type IdPrefix = 'ws' | 'key' | 'line' | 'lead' | 'list' | 'msg' | 'cmp' | 'whk' | 'evt' | 'dlv' | 'dnc' | 'rpl' | 'att' | 'job' | 'aud' | 'req'

export type Fields = Record<string, unknown>

/** Wide, structured log. Fields never hold a body, an address or a secret. */
export interface Log {
  debug(fields: Fields, message: string): void
  info(fields: Fields, message: string): void
  warn(fields: Fields, message: string): void
  error(fields: Fields, message: string): void
}

/** The only clock, the only id maker and the only dice of the engine. */
export interface Runtime {
  now(): Date
  /** `prefix_` and 26 characters of Crockford base 32: sortable by the time it was made, 80 random bits. */
  id(prefix: IdPrefix): string
  /** 0 (included) to 1 (excluded); for jitter, never for secrets. */
  random(): number
  /** Calls back after `delayMs`; returns how to call that off. Never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): () => void
  readonly log: Log
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A ULID (github.com/ulid/spec) that rises within one millisecond too, so that one process's ids sort by making. */
export function createIds(now: () => number): (prefix: IdPrefix) => string {
  let lastMs = -1
  let random = new Uint8Array(16)
  return (prefix) => {
    const ms = now()
    if (ms > lastMs) {
      lastMs = ms
      random = Uint8Array.from(randomBytes(16), (byte) => byte & 31)
    } else {
      for (let i = 15; i >= 0; i--) {
        const digit = (random[i] ?? 0) + 1
        random[i] = digit & 31
        if (digit < 32) break
      }
    }
    let head = ''
    for (let i = 0, rest = lastMs; i < 10; i++, rest = Math.floor(rest / 32)) head = alphabet[rest % 32] + head
    let tail = ''
    for (const digit of random) tail += alphabet[digit]
    return `${prefix}_${head}${tail}`
  }
}

/** The real world: the machine's clock and dice. */
export function createRuntime(log: Log): Runtime {
  return {
    now: () => new Date(),
    id: createIds(Date.now),
    random: Math.random,
    after(delayMs, run) {
      const timer = setTimeout(run, Math.min(delayMs, 2_147_483_647))
      timer.unref()
      return () => clearTimeout(timer)
    },
    log,
  }
}
