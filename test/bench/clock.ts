/** Milliseconds of the machine's monotonic clock: the same for all processes of one machine, so that a time taken in one can be compared in another. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
