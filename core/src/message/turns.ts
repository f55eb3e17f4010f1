export type Turns = <T>(key: string, run: () => Promise<T>) => Promise<T>

/** Runs what has the same key one after the other, in the order it came. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>()
  return <T>(key: string, run: () => Promise<T>) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(run)
    const settled = mine
      .catch(() => {})
      .finally(() => {
        if (last.get(key) === settled) last.delete(key)
      })
    last.set(key, settled)
    return mine
  }
}
