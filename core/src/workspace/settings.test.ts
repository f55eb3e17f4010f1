import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import type { WorkspaceInput } from '../operations.ts'
import { defaultSettings, patchSettings } from './settings.ts'

const named = patchSettings(defaultSettings, { name: ' Acme ' })

function pathsOf(patch: WorkspaceInput): string[] {
  try {
    patchSettings(named, patch)
  } catch (error) {
    if (error instanceof AppError && error.code === 'VALIDATION') return error.issues.map((issue) => issue.path)
    throw error
  }
  return []
}

describe('workspace settings', () => {
  it('begin with the defaults of the product', () => {
    expect(named).toEqual({ ...defaultSettings, name: 'Acme' })
    expect(named.availability).toEqual({ availableTtlHours: 168, unavailableTtlHours: 24 })
  })

  it('change only where the patch says so, inside objects too', () => {
    const next = patchSettings(named, {
      fallback: { routes: ['twilio'] },
      availability: { unavailableTtlHours: 1 },
      stopKeywords: ['ARRET', ' ARRET '],
    })
    expect(next.fallback).toEqual({ routes: ['twilio'], sendFallbackSmsOnFailed: false })
    expect(next.availability).toEqual({ availableTtlHours: 168, unavailableTtlHours: 1 })
    expect(next.stopKeywords).toEqual(['ARRET'])
    expect(patchSettings(next, { timezone: 'Europe/Paris' })).toEqual({ ...next, timezone: 'Europe/Paris' })
    const quietHours = { start: '21:00', end: '08:00', timezone: 'lead' }
    expect(patchSettings(patchSettings(next, { quietHours }), {}).quietHours).toEqual(quietHours)
    expect(patchSettings(patchSettings(next, { quietHours }), { quietHours: null }).quietHours).toBeNull()
    expect(patchSettings(patchSettings(next, { externalId: 'org_1' }), { externalId: '' }).externalId).toBeNull()
  })

  it('name every fault at once', () => {
    expect(
      pathsOf({
        name: ' ',
        timezone: 'Nowhere',
        defaultCountryCode: '1',
        fallback: { routes: ['twilio', 'twilio'] },
        quietHours: { start: '24:00', end: '8:00', timezone: 'x' },
        stopKeywords: [''],
        availability: { availableTtlHours: 0, unavailableTtlHours: Number.NaN },
      }),
    ).toEqual([
      'name',
      'timezone',
      'defaultCountryCode',
      'fallback.routes',
      'quietHours.start',
      'quietHours.end',
      'quietHours.timezone',
      'stopKeywords',
      'availability.availableTtlHours',
      'availability.unavailableTtlHours',
    ])
    expect(pathsOf({ fallback: { routes: ['../x'] } })).toEqual(['fallback.routes'])
    expect(pathsOf({ timezone: 'America/New_York' })).toEqual([])
  })
})
