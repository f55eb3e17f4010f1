import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openSettings, sealSettings, secretFieldsOf } from './sealed-settings.ts'
import { createSealer } from './secrets.ts'

const schema = z.strictObject({
  url: z.string(),
  password: z.string().meta({ secret: true }),
  token: z.string().meta({ secret: true }).optional(),
  pin: z.string().meta({ secret: true }).default('0000'),
  note: z.string().optional(),
})
const at = { workspaceId: 'ws_a', place: 'transport' }

describe('settings with secrets', () => {
  const sealer = createSealer([randomBytes(32)])

  it('finds the mark on the field and on what it wraps', () => {
    expect([...secretFieldsOf(schema)].sort()).toEqual(['password', 'pin', 'token'])
  })

  it('keeps secrets out of what is shown, and opens to what was given', () => {
    const values = { url: 'http://x', password: 'hunter2', pin: '1234', note: undefined }
    const stored = sealSettings(sealer, schema, at, values)
    expect(stored.settings).toEqual({ url: 'http://x' })
    expect(Object.keys(stored.sealed).sort()).toEqual(['password', 'pin'])
    expect(JSON.stringify(stored)).not.toContain('hunter2')
    expect(openSettings(sealer, at, stored)).toEqual({ url: 'http://x', password: 'hunter2', pin: '1234' })
  })

  it('refuses a secret that is no text, rather than to show it', () => {
    expect(() => sealSettings(sealer, schema, at, { password: 1234 })).toThrow('is text')
  })

  it('opens in no other place', () => {
    const stored = sealSettings(sealer, schema, at, { password: 'hunter2' })
    expect(() => openSettings(sealer, { ...at, place: 'plugin.twilio' }, stored)).toThrow()
    expect(() => openSettings(sealer, at, { settings: {}, sealed: { token: stored.sealed.password ?? '' } })).toThrow()
  })
})
