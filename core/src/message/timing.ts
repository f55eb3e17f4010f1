/** Waits before a hand-over that surely did not happen is tried again: eight times over about an hour (product.md §2). */
export const retryMs: readonly number[] = [1_000, 4_000, 15_000, 60_000, 240_000, 600_000, 1_080_000, 1_500_000]

/** When a message found in `sending` is first asked after, should nobody have said what became of it. */
export const firstLookupMs = 5_000

/** Waits between look-ups of an unknown outcome; the last one repeats until the deadline. */
export const lookupMs: readonly number[] = [1_500, 3_000, 5_000, 10_000, 20_000, 30_000]

/** After being sent: when the channel is asked for a receipt that has not come. Bridges lose webhooks (vendors: BlueBubbles retries none). */
export const followMs: readonly number[] = [15_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000]

/**
 * No unknown outcome is given up before the channel was asked so often: whoever stood still past the deadline would else ask once, in the
 * moment everything comes back, and believe that answer for ever. Past the deadline the questions come this near together.
 */
export const askedMin = 3
export const lastLookupsMs = 500
