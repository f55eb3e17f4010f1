import type { Lead } from '../lead/lead.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Hold, Message, Window } from './message.ts'
import { minutesOf, nextOpen, type OpenHours } from './schedule.ts'

export type Eligibility = { go: 'now' } | { go: 'later'; hold: Hold }

type Asked = Pick<Message, 'scheduledDate' | 'window'>
type House = Pick<Workspace, 'readOnly' | 'quietHours' | 'timezone'>

/** May this message move at `now`, as far as the workspace, its schedule and the clock on the wall go? */
export function eligibility(message: Asked, workspace: House, lead: Pick<Lead, 'timezone'> | null, now: Date): Eligibility {
  if (workspace.readOnly !== null) {
    return { go: 'later', hold: { reason: 'workspace_read_only', until: null, detail: `the workspace is read-only: ${workspace.readOnly.reason}` } }
  }
  if (message.scheduledDate !== null && message.scheduledDate > now) {
    return {
      go: 'later',
      hold: { reason: 'scheduled', until: message.scheduledDate, detail: `scheduled for ${message.scheduledDate.toISOString()}` },
    }
  }
  const rules = openHours(message.window, workspace, lead?.timezone ?? workspace.timezone)
  if (rules.length === 0) return { go: 'now' }
  const open = nextOpen(now, rules)
  if (open === null) {
    const detail = 'the window, the allowed days and the quiet hours leave no open moment'
    return { go: 'later', hold: { reason: 'window_closed', until: null, detail } }
  }
  if (open.reason === null) return { go: 'now' }
  return { go: 'later', hold: { reason: open.reason, until: open.at, detail: `opens at ${open.at.toISOString()}` } }
}

/** Every rule that applies; all must be open. */
export function openHours(window: Window | null, workspace: House, leadZone: string): OpenHours[] {
  const rules: OpenHours[] = []
  if (window !== null) {
    const zone = window.timezone === 'lead' ? leadZone : window.timezone
    if (window.days !== null) rules.push({ reason: 'day_not_allowed', zone, start: 0, end: 0, days: window.days })
    if (window.start !== null || window.end !== null) {
      rules.push({
        reason: 'window_closed',
        zone,
        start: minutesOf(window.start ?? '00:00') ?? 0,
        end: minutesOf(window.end ?? '24:00') ?? 24 * 60,
        days: null,
      })
    }
  }
  const quiet = workspace.quietHours
  if (quiet !== null && quiet.start !== quiet.end) {
    const zone = quiet.timezone === 'lead' ? leadZone : quiet.timezone
    rules.push({ reason: 'window_closed', zone, start: minutesOf(quiet.end) ?? 0, end: minutesOf(quiet.start) ?? 0, days: null })
  }
  return rules
}
