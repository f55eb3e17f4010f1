import type { Aggregate } from '../event/event.ts'

export interface Workspace extends Aggregate {
  readonly name: string
  readonly externalId: string | null
  readonly timezone: string
  /** `+1`: what a national number is read as. */
  readonly defaultCountryCode: string
  readonly optOutScope: 'lead' | 'address'
  readonly fallback: { readonly routes: readonly string[]; readonly sendFallbackSmsOnFailed: boolean }
  /** A closed period. `timezone` is IANA or `lead`. */
  readonly quietHours: { readonly start: string; readonly end: string; readonly timezone: string } | null
  /** Additions to the built-in list. */
  readonly stopKeywords: readonly string[]
  readonly availability: { readonly availableTtlHours: number; readonly unavailableTtlHours: number }
  readonly readOnly: { readonly reason: string } | null
  /** Per plugin: whether it is on, its public settings and its sealed secrets. */
  readonly plugins: Readonly<
    Record<string, { enabled: boolean; settings: Readonly<Record<string, unknown>>; sealed: Readonly<Record<string, string>> }>
  >
  /** Sealed key for keyed hashes (do-not-contact). */
  readonly hashKey: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

export const scopes = ['read', 'write', 'admin'] as const
export type Scope = (typeof scopes)[number]

export interface ApiKey {
  readonly id: string
  readonly workspaceId: string
  readonly name: string
  readonly scopes: readonly Scope[]
  /** The installation's own key: may also make workspaces. */
  readonly isInstallation: boolean
  /** SHA-256 of the key, hex. */
  readonly hash: string
  /** The first characters, to recognise it by. */
  readonly hint: string
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  readonly lastUsedAt: Date | null
  readonly createdAt: Date
}

export interface AuditEntry {
  readonly id: string
  readonly workspaceId: string
  /** `key:key_…`, `user:sub`, `system`. */
  readonly actor: string
  /** `webhook.created`, … */
  readonly action: string
  /** Id of what was changed. */
  readonly target: string
  readonly data: Readonly<Record<string, unknown>>
  readonly at: Date
}

/** A long job and its progress: an import, a check of many leads. */
export interface Job {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly kind: string
  readonly status: 'running' | 'done' | 'failed'
  readonly total: number
  readonly done: number
  readonly savedCount: number
  readonly duplicateCount: number
  readonly errors: readonly { row: number; field: string; message: string }[]
  /** What the job works on and where it stands, so that it goes on after a crash. */
  readonly input: Readonly<Record<string, unknown>>
  readonly cursor: string | null
  readonly dueAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}
