const zones = ['Asia/Tokyo', 'America/Los_Angeles', 'Europe/Berlin', 'Pacific/Auckland']
const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** What a clock on the wall shows there: an independent reading, by Intl, of what the engine works out by other means. */
export function wallClock(at: Date, zone: string): { date: string; time: string; hour: number; weekday: number } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    date: `${part.year}-${part.month}-${part.day}`,
    time: `${part.hour}:${part.minute}`,
    hour: Number(part.hour),
    weekday: weekdays.indexOf(`${part.weekday}`),
  }
}

/** A zone where it is between three and seven in the evening or earlier in the day, so that no midnight comes while a test runs. */
export function calmZone(now: Date = new Date()): string {
  const calm = zones.find((zone) => {
    const { hour } = wallClock(now, zone)
    return hour >= 3 && hour < 19
  })
  if (calm === undefined) throw new Error('the zones no longer cover the day')
  return calm
}

const began = new Date()

/** `HH:00`, some hours from when the test began, there: the same answer however long it runs. */
export function fullHour(zone: string, offset: number): string {
  return `${String(wallClock(began, zone).hour + offset).padStart(2, '0')}:00`
}
