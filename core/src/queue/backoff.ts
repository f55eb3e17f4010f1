const firstMs = 1_000
const mostMs = 30_000
const attemptsMax = 8

/**
 * When a hint whose handler rejected is tried again: doubling from one second to thirty, each shortened by up to half so that an outage is not
 * followed by everybody at once. Null after eight attempts (a minute and a half): the sweeper brings what is still due, and a hint that was retried
 * for ever would pile up beside it.
 * @param attempt how many times it has run, from 1
 * @param dice 0 (included) to 1 (excluded)
 */
export function retryDelayMs(attempt: number, dice: number): number | null {
  if (attempt >= attemptsMax) return null
  const full = Math.min(mostMs, firstMs * 2 ** (attempt - 1))
  return Math.round(full * (1 - dice / 2))
}
