import type { z } from 'zod'
import type { Sealer } from './secrets.ts'

/** Settings as they are stored: what may be shown, and the secret fields, sealed. */
export interface SealedSettings {
  readonly settings: Readonly<Record<string, unknown>>
  readonly sealed: Readonly<Record<string, string>>
}

/** Where settings live: the associated data of each secret is `place.field`, so that it opens nowhere else. */
export interface SettingsPlace {
  readonly workspaceId: string
  /** `transport` of a line, `plugin.twilio`. */
  readonly place: string
}

/** A mark on an inner schema counts too: `z.string().meta({ secret: true }).optional()`. */
function isSecret(schema: z.core.$ZodType): boolean {
  const { meta } = schema as z.ZodType
  if (typeof meta === 'function' && (schema as z.ZodType).meta()?.secret === true) return true
  const { def } = schema._zod
  return 'innerType' in def ? isSecret(def.innerType as z.core.$ZodType) : false
}

/** The names of the fields marked `.meta({ secret: true })`. */
export function secretFieldsOf(schema: z.ZodObject): Set<string> {
  return new Set(Object.entries(schema.shape).flatMap(([name, field]) => (isSecret(field) ? [name] : [])))
}

/** Parts parsed settings into public ones and sealed ones. Fields that are `undefined` are left out. Throws on a secret that is no text. */
export function sealSettings(sealer: Sealer, schema: z.ZodObject, at: SettingsPlace, values: Readonly<Record<string, unknown>>): SealedSettings {
  const secrets = secretFieldsOf(schema)
  const settings: Record<string, unknown> = {}
  const sealed: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    if (!secrets.has(name)) settings[name] = value
    else if (typeof value === 'string') sealed[name] = sealer.seal(at.workspaceId, `${at.place}.${name}`, value)
    else throw new Error(`${at.place}.${name}: a secret setting is text`)
  }
  return { settings, sealed }
}

/** The settings with their secrets in clear, not parsed again. Throws when one does not open. */
export function openSettings(sealer: Sealer, at: SettingsPlace, stored: SealedSettings): Record<string, unknown> {
  const secrets = Object.entries(stored.sealed).map(([name, text]) => [name, sealer.open(at.workspaceId, `${at.place}.${name}`, text)])
  return { ...stored.settings, ...Object.fromEntries(secrets) }
}
