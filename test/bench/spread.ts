export interface Spread {
  count: number
  p50: number
  p99: number
  max: number
}

/** Nearest-rank percentiles. Of nothing: NaN, which no table can mistake for a good figure. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}
