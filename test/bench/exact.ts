/** One event that came to the receiver: `times` counts the posts under this `webhook-id`. */
export interface Arrival {
  /** The `webhook-id`. */
  id: string
  event: string
  /** The message or lead it is about. */
  subject: string
  times: number
  /** Of the first post, on the machine's monotonic clock. */
  atMs: number
}

export interface Exactness {
  accepted: number
  /** Accepted, and no such event came. */
  missing: number
  /** Accepted, and told under two event ids. */
  doubled: number
  /** Posted again under the same id: at-least-once allows it, and a receiver recognises it. */
  repeated: number
  /** Told, and the client never got its 201: a request that was cut. */
  unasked: number
  /** One event for each, and no more than one. */
  exact: boolean
}

/** Whether each accepted subject got exactly one `event`. */
export function exactness(accepted: readonly string[], arrivals: readonly Arrival[], event: string): Exactness {
  const told = new Map<string, number>()
  let repeated = 0
  for (const arrival of arrivals) {
    if (arrival.event !== event) continue
    told.set(arrival.subject, (told.get(arrival.subject) ?? 0) + 1)
    repeated += arrival.times - 1
  }
  const asked = new Set(accepted)
  let missing = 0
  let doubled = 0
  for (const subject of asked) {
    const count = told.get(subject) ?? 0
    if (count === 0) missing++
    if (count > 1) doubled++
  }
  const unasked = [...told.keys()].filter((subject) => !asked.has(subject)).length
  // An id that was answered twice is a message that was lost into another one.
  const answeredTwice = accepted.length - asked.size
  return { accepted: accepted.length, missing, doubled, repeated, unasked, exact: missing === 0 && doubled === 0 && answeredTwice === 0 }
}

export function sayExactness({ accepted, missing, doubled, repeated, unasked, exact }: Exactness): string {
  const extra = `${repeated > 0 ? `, ${repeated} repeated under one id` : ''}${unasked > 0 ? `, ${unasked} without a 201` : ''}`
  return exact ? `exact: ${accepted} of ${accepted}${extra}` : `NOT EXACT: ${accepted} accepted, ${missing} missing, ${doubled} doubled${extra}`
}
