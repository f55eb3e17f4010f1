import { DateTime } from 'luxon'

/** One rule about the clock on the wall: open between two times of day, on some days, somewhere. */
export interface OpenHours {
  reason: 'window_closed' | 'day_not_allowed'
  zone: string
  /** Minutes after midnight; `end` is the first closed minute. Over midnight when `end <= start`; equal: the whole day. */
  start: number
  end: number
  /** 0 = Sunday; null: every day. */
  days: readonly number[] | null
}

const dayMinutes = 24 * 60
const horizonDays = 400

/** `HH:mm` as minutes after midnight; null when it is no time of day. `24:00` is the end of the day. */
export function minutesOf(text: string): number | null {
  const match = /^(\d{2}):(\d{2})$/.exec(text)
  if (!match) return null
  const minutes = Number(match[1]) * 60 + Number(match[2])
  return Number(match[2]) < 60 && minutes <= dayMinutes ? minutes : null
}

/**
 * The first moment, at or after `from`, at which every rule is open; null when there is none within 400 days. With it the rule that
 * was closed longest. Judged on the wall clock, so a time that a daylight-saving night leaves out does not exist, and one that it
 * repeats is open twice.
 */
export function nextOpen(from: Date, rules: readonly OpenHours[]): { at: Date; reason: OpenHours['reason'] | null } | null {
  let at = from
  let reason: OpenHours['reason'] | null = null
  for (let round = 0; round < horizonDays * 2; round++) {
    let moved = false
    for (const rule of rules) {
      const open = openFrom(at, rule)
      if (open === null) return null
      if (open > at) {
        at = open
        reason = rule.reason
        moved = true
      }
    }
    if (!moved) return { at, reason }
    if (at.getTime() - from.getTime() > horizonDays * dayMinutes * 60_000) return null
  }
  return null
}

function isOpen(local: DateTime, rule: OpenHours): boolean {
  if (rule.days !== null && !rule.days.includes(local.weekday % 7)) return false
  const minute = local.hour * 60 + local.minute
  if (rule.start === rule.end) return true
  return rule.start < rule.end ? minute >= rule.start && minute < rule.end : minute >= rule.start || minute < rule.end
}

function openFrom(at: Date, rule: OpenHours): Date | null {
  if (rule.days !== null && rule.days.length === 0) return null
  const local = DateTime.fromJSDate(at, { zone: rule.zone })
  if (isOpen(local, rule)) return at
  const today = local.startOf('day')
  for (let offset = 0; offset <= 8; offset++) {
    const day = today.plus({ days: offset })
    // An opening is the start of the window, or midnight: there a day turns allowed within a window.
    for (const minute of rule.start === dayMinutes ? [0] : [0, rule.start]) {
      const found = firstOpenAround(day, minute, at, rule)
      if (found !== null) return found
    }
  }
  return null
}

/** The opening near this minute of the day; where a transition moves or repeats the minute, the minutes around it are walked. */
function firstOpenAround(day: DateTime, minute: number, at: Date, rule: OpenHours): Date | null {
  const meant = minute === 0 ? day : day.set({ hour: Math.floor(minute / 60) % 24, minute: minute % 60 })
  const exact = meant.hour * 60 + meant.minute === minute % dayMinutes
  const around = exact && meant.offset === meant.minus({ hours: 3 }).offset && meant.offset === meant.plus({ hours: 3 }).offset
  if (around) {
    const found = meant.toJSDate()
    return found >= at && isOpen(meant, rule) ? found : null
  }
  for (let step = -180; step <= 180; step++) {
    const candidate = meant.plus({ minutes: step })
    const found = candidate.toJSDate()
    if (found >= at && isOpen(candidate, rule)) return found
  }
  return null
}

/** Day and hour of a moment where the line is, and when they end. */
export function calendarOf(at: Date, zone: string): { day: string; hour: string; nextDayAt: Date; nextHourAt: Date } {
  if (zone === 'UTC' || zone === 'Etc/UTC') {
    const iso = at.toISOString()
    const day = iso.slice(0, 10)
    return {
      day,
      hour: iso.slice(0, 13),
      nextDayAt: new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 1)),
      nextHourAt: new Date(Math.floor(at.getTime() / 3_600_000 + 1) * 3_600_000),
    }
  }
  const local = DateTime.fromJSDate(at, { zone })
  return {
    day: local.toFormat('yyyy-MM-dd'),
    hour: local.toFormat("yyyy-MM-dd'T'HH"),
    nextDayAt: local.startOf('day').plus({ days: 1 }).toJSDate(),
    nextHourAt: local.startOf('hour').plus({ hours: 1 }).toJSDate(),
  }
}

export function isZone(text: string): boolean {
  return text.length <= 64 && DateTime.local({ zone: text }).isValid
}
