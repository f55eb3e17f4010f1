/** The same throws again for the same seed (mulberry32): 0 (included) to 1 (excluded). */
export function createDice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `CRASH_SEED` repeats a run; else a new one, which the test prints. */
export function seedOfRun(): number {
  const given = Number(process.env.CRASH_SEED)
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 1_000_000) + 1
}
