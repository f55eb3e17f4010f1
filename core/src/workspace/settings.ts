import { IANAZone } from 'luxon'
import { AppError, type Issue } from '../errors.ts'
import type { WorkspaceInput } from '../operations.ts'
import type { Workspace } from './workspace.ts'

export type WorkspaceSettings = Pick<
  Workspace,
  'name' | 'externalId' | 'timezone' | 'defaultCountryCode' | 'optOutScope' | 'fallback' | 'quietHours' | 'stopKeywords' | 'availability'
>

export const defaultSettings: WorkspaceSettings = {
  name: '',
  externalId: null,
  timezone: 'UTC',
  defaultCountryCode: '+1',
  optOutScope: 'lead',
  // A route that is not installed or not enabled is passed over, so naming all of them only says in which order.
  fallback: { routes: ['gohighlevel', 'twilio', 'email'], sendFallbackSmsOnFailed: false },
  quietHours: null,
  stopKeywords: [],
  availability: { availableTtlHours: 7 * 24, unavailableTtlHours: 24 },
}

const isClock = (text: string) => /^([01]\d|2[0-3]):[0-5]\d$/.test(text)
const isTtl = (hours: number) => Number.isFinite(hours) && hours > 0 && hours <= 24 * 365

/** The settings after a patch: what is not given stays. Refuses what makes no sense with VALIDATION, every fault at once. */
export function patchSettings(current: WorkspaceSettings, patch: WorkspaceInput): WorkspaceSettings {
  const next: WorkspaceSettings = {
    name: patch.name?.trim() ?? current.name,
    externalId: patch.externalId === undefined ? current.externalId : patch.externalId?.trim() || null,
    timezone: patch.timezone ?? current.timezone,
    defaultCountryCode: patch.defaultCountryCode ?? current.defaultCountryCode,
    optOutScope: patch.optOutScope ?? current.optOutScope,
    fallback: {
      routes: patch.fallback?.routes ?? current.fallback.routes,
      sendFallbackSmsOnFailed: patch.fallback?.sendFallbackSmsOnFailed ?? current.fallback.sendFallbackSmsOnFailed,
    },
    quietHours: patch.quietHours === undefined ? current.quietHours : patch.quietHours,
    stopKeywords: patch.stopKeywords ? [...new Set(patch.stopKeywords.map((word) => word.trim()))] : current.stopKeywords,
    availability: {
      availableTtlHours: patch.availability?.availableTtlHours ?? current.availability.availableTtlHours,
      unavailableTtlHours: patch.availability?.unavailableTtlHours ?? current.availability.unavailableTtlHours,
    },
  }
  const issues: Issue[] = []
  const require = (ok: boolean, path: string, message: string) => {
    if (!ok) issues.push({ path, message })
  }
  require(next.name !== '' && next.name.length <= 200, 'name', 'is needed, with at most 200 characters')
  require((next.externalId?.length ?? 0) <= 200, 'externalId', 'has at most 200 characters')
  require(IANAZone.isValidZone(next.timezone), 'timezone', 'is not an IANA time zone')
  require(/^\+[1-9]\d{0,2}$/.test(next.defaultCountryCode), 'defaultCountryCode', 'is + and one to three digits, such as +1')
  require(new Set(next.fallback.routes).size === next.fallback.routes.length, 'fallback.routes', 'names a route twice')
  require(next.fallback.routes.every((route) => /^[a-z][a-z0-9-]{0,49}$/.test(route)), 'fallback.routes', 'holds what cannot be the name of a route')
  if (next.quietHours) {
    require(isClock(next.quietHours.start), 'quietHours.start', 'is a time of day, HH:mm')
    require(isClock(next.quietHours.end), 'quietHours.end', 'is a time of day, HH:mm')
    const { timezone } = next.quietHours
    require(timezone === 'lead' || IANAZone.isValidZone(timezone), 'quietHours.timezone', 'is neither an IANA time zone nor "lead"')
  }
  require(next.stopKeywords.length <= 100 &&
    next.stopKeywords.every((word) => word !== '' && word.length <= 100), 'stopKeywords', 'holds up to 100 keywords of 1 to 100 characters')
  require(isTtl(next.availability.availableTtlHours), 'availability.availableTtlHours', 'is more than 0 and at most a year')
  require(isTtl(next.availability.unavailableTtlHours), 'availability.unavailableTtlHours', 'is more than 0 and at most a year')
  if (issues.length > 0) throw new AppError('VALIDATION', issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '), { issues })
  return next
}
