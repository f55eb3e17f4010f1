import type { Aggregate, EventType } from '../event/event.ts'

export interface Webhook extends Aggregate {
  readonly url: string
  readonly events: readonly (EventType | '*')[]
  readonly name: string | null
  readonly description: string | null
  readonly isActive: boolean
  /** Sealed `whsec_…` secrets, newest first; older ones stay valid until `validUntil`. */
  readonly secrets: readonly { sealed: string; validUntil: Date | null }[]
  readonly failureCount: number
  /** Since when every attempt failed; null while it works. */
  readonly failingSince: Date | null
  readonly lastSuccessAt: Date | null
  readonly lastFailureAt: Date | null
  /** Set when Trunkline switched it off; null when it works or a person switched it off. */
  readonly disabledAt: Date | null
  readonly disabledReason: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}
