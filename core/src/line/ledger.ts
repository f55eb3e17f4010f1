/** Counted on one day (line's time zone). */
export interface DayCount {
  total: number
  new: number
  checks: number
}

/** A place that is taken by a message which has not been handed over yet. */
export interface HeldPlace {
  day: string
  /** `YYYY-MM-DDTHH`, line's time zone. */
  hour: string
  address: string
  /** Counted as a first touch. */
  isNew: boolean
}

/**
 * The places of one line, in one document, so that a reservation is one conditional write with any number of workers.
 * `held` is keyed by message: reserving or releasing twice changes nothing. It is as long as what is on its way, not as history.
 */
export interface Ledger {
  readonly lineId: string
  readonly workspaceId: string
  readonly version: number
  readonly days: Readonly<Record<string, DayCount>>
  /** First touches per hour. */
  readonly hours: Readonly<Record<string, number>>
  readonly held: Readonly<Record<string, HeldPlace>>
  /** Messages that gave a place of that day back, so that giving back twice is recognised. */
  readonly released: Readonly<Record<string, readonly string[]>>
  /** The first moment that is not booked for a first touch yet. */
  readonly nextNewAt: Date | null
  /** When the line really made its last first touch. */
  readonly lastNewAt: Date | null
}

export function emptyLedger(workspaceId: string, lineId: string): Ledger {
  return { lineId, workspaceId, version: 0, days: {}, hours: {}, held: {}, released: {}, nextNewAt: null, lastNewAt: null }
}

export interface PlaceRequest {
  messageId: string
  address: string
  /** The line wrote to this address before. */
  touched: boolean
  /** Wrote to us within 24 h: first-touch limits do not hold, the total does. */
  answersReply: boolean
  /** The moment it is meant to leave, and that moment's day and hour in the line's time zone. */
  at: Date
  day: string
  hour: string
  nextDayAt: Date
  nextHourAt: Date
}

export interface PlaceLimits {
  dailyTotal: number
  dailyNew: number
  hourlyNew: number | null
  contactGapMs: number
}

export type PlaceDecision =
  | { go: 'now'; ledger: Ledger; place: HeldPlace }
  | { go: 'later'; why: 'daily_total_limit' | 'daily_new_limit' | 'hourly_new_limit' | 'gap'; until: Date; detail: string }

/**
 * Takes a place for a message, or says what is full and until when. A second message to an address whose first touch is still on
 * its way follows that one: it is not counted as new, and inherits the first touch should the first one give its place back.
 */
export function reserve(ledger: Ledger, request: PlaceRequest, limits: PlaceLimits): PlaceDecision {
  const mine = ledger.held[request.messageId]
  if (mine?.day === request.day) return { go: 'now', ledger, place: mine }
  // A place of another day is of no use today, and may not stand in for one.
  if (mine) return reserve(release(ledger, request.messageId, mine.day), request, limits)
  const day = ledger.days[request.day] ?? { total: 0, new: 0, checks: 0 }
  if (day.total >= limits.dailyTotal) {
    return {
      go: 'later',
      why: 'daily_total_limit',
      until: request.nextDayAt,
      detail: `${day.total} of ${limits.dailyTotal} messages of ${request.day} are taken`,
    }
  }
  const follows = Object.values(ledger.held).some((place) => place.isNew && place.address === request.address)
  const isNew = !request.touched && !request.answersReply && !follows
  const inHour = ledger.hours[request.hour] ?? 0
  if (isNew) {
    if (day.new >= limits.dailyNew) {
      return {
        go: 'later',
        why: 'daily_new_limit',
        until: request.nextDayAt,
        detail: `${day.new} of ${limits.dailyNew} new conversations of ${request.day} are taken`,
      }
    }
    if (limits.hourlyNew !== null && inHour >= limits.hourlyNew) {
      return {
        go: 'later',
        why: 'hourly_new_limit',
        until: request.nextHourAt,
        detail: `${inHour} of ${limits.hourlyNew} new conversations of this hour are taken`,
      }
    }
    if (ledger.nextNewAt !== null && ledger.nextNewAt > request.at) {
      return { go: 'later', why: 'gap', until: ledger.nextNewAt, detail: 'first touches of this line keep a gap' }
    }
  }
  const place = { day: request.day, hour: request.hour, address: request.address, isNew }
  return {
    go: 'now',
    place,
    ledger: prune({
      ...ledger,
      days: { ...ledger.days, [request.day]: { ...day, total: day.total + 1, new: day.new + (isNew ? 1 : 0) } },
      hours: isNew ? { ...ledger.hours, [request.hour]: inHour + 1 } : ledger.hours,
      held: { ...ledger.held, [request.messageId]: place },
      released: without(ledger.released, request.day, request.messageId),
      nextNewAt: isNew ? new Date(request.at.getTime() + limits.contactGapMs) : ledger.nextNewAt,
    }),
  }
}

/** Gives a place back, once however often it is called. `day` is the day it was counted on. */
export function release(ledger: Ledger, messageId: string, day: string): Ledger {
  if (ledger.released[day]?.includes(messageId)) return ledger
  const place = ledger.held[messageId]
  const released = { ...ledger.released, [day]: [...(ledger.released[day] ?? []), messageId].slice(-releasedMax) }
  if (!place) {
    const count = ledger.days[day]
    if (!count) return ledger
    return { ...ledger, released, days: { ...ledger.days, [day]: { ...count, total: Math.max(0, count.total - 1) } } }
  }
  const held = { ...ledger.held }
  delete held[messageId]
  const after = addCount({ ...ledger, held, released }, place, -1)
  if (!place.isNew) return after
  const heir = Object.entries(held).find(([, other]) => other.address === place.address)
  return heir ? inherit(after, heir[0], heir[1]) : after
}

/** These messages were handed over: their places are used for good. */
export function settle(ledger: Ledger, messageIds: readonly string[]): Ledger {
  const held = { ...ledger.held }
  let isChanged = false
  for (const messageId of messageIds) {
    const place = held[messageId]
    if (!place) continue
    isChanged = true
    delete held[messageId]
    const leader = place.isNew ? undefined : Object.entries(held).find(([, other]) => other.isNew && other.address === place.address)
    // The follower got there first, so the first touch is made: the leader is an ordinary message now and may be given back as one.
    if (leader) held[leader[0]] = { ...leader[1], isNew: false }
  }
  return isChanged ? { ...ledger, held } : ledger
}

/** At the very moment of a first touch: whether the line's gap between first touches has really passed. */
export function takeNew(ledger: Ledger, now: Date, contactGapMs: number): { go: 'now'; ledger: Ledger } | { go: 'later'; until: Date } {
  const free = ledger.lastNewAt === null ? now : new Date(ledger.lastNewAt.getTime() + contactGapMs)
  return free > now ? { go: 'later', until: free } : { go: 'now', ledger: { ...ledger, lastNewAt: now } }
}

/** Takes one availability check of the day. A crash may waste one; none is ever counted too few. */
export function reserveCheck(ledger: Ledger, day: string, limit: number): Ledger | null {
  const count = ledger.days[day] ?? { total: 0, new: 0, checks: 0 }
  return count.checks >= limit ? null : { ...ledger, days: { ...ledger.days, [day]: { ...count, checks: count.checks + 1 } } }
}

const releasedMax = 10_000
const daysKept = 9

function inherit(ledger: Ledger, messageId: string, place: HeldPlace): Ledger {
  const count = ledger.days[place.day] ?? { total: 0, new: 0, checks: 0 }
  return {
    ...ledger,
    held: { ...ledger.held, [messageId]: { ...place, isNew: true } },
    days: { ...ledger.days, [place.day]: { ...count, new: count.new + 1 } },
    hours: { ...ledger.hours, [place.hour]: (ledger.hours[place.hour] ?? 0) + 1 },
  }
}

function addCount(ledger: Ledger, place: HeldPlace, by: -1): Ledger {
  const count = ledger.days[place.day] ?? { total: 0, new: 0, checks: 0 }
  const isNew = place.isNew ? by : 0
  return {
    ...ledger,
    days: { ...ledger.days, [place.day]: { ...count, total: Math.max(0, count.total + by), new: Math.max(0, count.new + isNew) } },
    hours: { ...ledger.hours, [place.hour]: Math.max(0, (ledger.hours[place.hour] ?? 0) + isNew) },
  }
}

/** Nothing grows with history: only the newest days stay, with what belongs to them. */
function prune(ledger: Ledger): Ledger {
  const days = Object.keys(ledger.days).sort()
  const oldest = days[Math.max(0, days.length - daysKept)]
  if (oldest === undefined || days.length <= daysKept)
    return Object.keys(ledger.hours).length > daysKept * 24 ? pruneHours(ledger, oldest ?? '') : ledger
  const keep = (key: string) => key.slice(0, 10) >= oldest
  return {
    ...ledger,
    days: filterKeys(ledger.days, keep),
    hours: filterKeys(ledger.hours, keep),
    released: filterKeys(ledger.released, keep),
    held: Object.fromEntries(Object.entries(ledger.held).filter(([, place]) => keep(place.day))),
  }
}

function pruneHours(ledger: Ledger, oldest: string): Ledger {
  return { ...ledger, hours: filterKeys(ledger.hours, (key) => key >= oldest) }
}

function filterKeys<T>(record: Readonly<Record<string, T>>, keep: (key: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => keep(key)))
}

function without(released: Ledger['released'], day: string, messageId: string): Ledger['released'] {
  const list = released[day]
  return list?.includes(messageId) ? { ...released, [day]: list.filter((id) => id !== messageId) } : released
}
