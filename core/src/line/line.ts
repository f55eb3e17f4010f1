import type { Aggregate } from '../event/event.ts'
import type { Channel } from '../message/message.ts'

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

export interface Health {
  status: HealthStatus
  lastCheckedAt: Date | null
  reasons: readonly string[]
  consecutiveFailures: number
  consecutiveSuccesses: number
  /** What the bridge said it can do at its last check. */
  canCheckAvailability: boolean
}

/** Per-line settings with the product's defaults filled in. Gaps in seconds. */
export interface LineLimits {
  dailyNewConversationsLimit: number
  dailyTotalMessagesLimit: number
  hourlyNewConversationsLimit: number | null
  dailyAvailabilityChecksLimit: number
  deviceGapSeconds: number
  contactGapSeconds: number
  availabilityGapSeconds: number
}

export const defaultLimits: LineLimits = {
  dailyNewConversationsLimit: 50,
  dailyTotalMessagesLimit: 150,
  hourlyNewConversationsLimit: null,
  dailyAvailabilityChecksLimit: 70,
  deviceGapSeconds: 30,
  contactGapSeconds: 45,
  availabilityGapSeconds: 3,
}

export interface Line extends Aggregate {
  readonly name: string
  readonly channel: Channel
  readonly phone: string | null
  readonly email: string | null
  /** `settings` are public; `sealed` holds the secret fields, encrypted. */
  readonly transport: {
    readonly type: string
    readonly settings: Readonly<Record<string, unknown>>
    readonly sealed: Readonly<Record<string, string>>
  }
  /** Lines on one device share its gaps. Null: the line is a device of its own. */
  readonly deviceId: string | null
  readonly timezone: string
  readonly isActive: boolean
  readonly limits: LineLimits
  readonly health: Health
  /** Long and random: the last part of the address its bridge posts to. */
  readonly hookSecret: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** The pacing key: `workspace/device`, or the line itself. */
export function deviceKey(line: Line): string {
  return line.deviceId === null ? line.id : `${line.workspaceId}/${line.deviceId}`
}
