/** When a device may act next. One document per device; booked by compare-and-set. */
export interface Pace {
  readonly workspaceId: string
  readonly deviceKey: string
  readonly version: number
  /** The first moment that is not booked yet. */
  readonly nextSendAt: Date | null
  /** When the device really sent last: a late slot must not crowd the next one. */
  readonly lastSendAt: Date | null
  readonly nextCheckAt: Date | null
}

export function freshPace(workspaceId: string, deviceKey: string): Pace {
  return { workspaceId, deviceKey, version: 0, nextSendAt: null, lastSendAt: null, nextCheckAt: null }
}

/**
 * Where the next send of the device may be booked: not before `earliest`, a gap after the last booked one. Source: product rule
 * "between sends of one device" (30 s by default).
 */
export function book(pace: Pace, earliest: Date, gapMs: number): { at: Date; pace: Pace } {
  const at = later(earliest, pace.nextSendAt)
  return { at, pace: { ...pace, nextSendAt: new Date(at.getTime() + gapMs) } }
}

/** At the very moment of sending: whether the device has really been quiet for its gap, and if not, when it will have been. */
export function take(pace: Pace, now: Date, gapMs: number): { go: 'now'; pace: Pace } | { go: 'later'; until: Date } {
  const free = pace.lastSendAt === null ? now : new Date(pace.lastSendAt.getTime() + gapMs)
  if (free > now) return { go: 'later', until: free }
  return { go: 'now', pace: { ...pace, lastSendAt: now, nextSendAt: later(new Date(now.getTime() + gapMs), pace.nextSendAt) } }
}

/** The same for availability checks, which are made at once or not at all. */
export function takeCheck(pace: Pace, now: Date, gapMs: number): { go: 'now'; pace: Pace } | { go: 'later'; until: Date } {
  if (pace.nextCheckAt !== null && pace.nextCheckAt > now) return { go: 'later', until: pace.nextCheckAt }
  return { go: 'now', pace: { ...pace, nextCheckAt: new Date(now.getTime() + gapMs) } }
}

function later(a: Date, b: Date | null): Date {
  return b !== null && b > a ? b : a
}
