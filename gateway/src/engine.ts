import type {
  Audit,
  Availability,
  Consent,
  IdempotencyStore,
  Jobs,
  Keys,
  Leads,
  Lines,
  Messages,
  Replays,
  Replies,
  Webhooks,
  Workspaces,
} from '@trunkline/core'
import type { Registry } from 'prom-client'

export interface Readiness {
  ready: boolean
  /** Per part (`store`, `queue`): `ok`, or why not, without addresses or credentials. */
  checks: Record<string, string>
}

/** All that the HTTP side needs of the engine: one name per area, so that core may be put together in any way that fits. */
export interface Engine {
  readonly leads: Leads
  readonly consent: Consent
  readonly lines: Lines
  readonly messages: Messages
  readonly availability: Availability
  readonly replies: Replies
  readonly jobs: Jobs
  readonly workspaces: Workspaces
  readonly keys: Keys
  readonly audit: Audit
  readonly webhooks: Webhooks
  readonly replays: Replays
  readonly idempotency: IdempotencyStore
  /** For stored answers that hold a secret shown once (a new key, a new webhook). */
  readonly sealer: {
    seal(workspaceId: string, field: string, plain: string): string
    open(workspaceId: string, field: string, sealed: string): string
  }
  /** What a bridge posted. False when the line is unknown or the secret wrong, alike, and nothing happened then. `body` is JSON, or the text when it is none. */
  receive(lineId: string, secret: string, body: unknown): Promise<boolean>
  /** Answers within a second or two; never throws. */
  ready(): Promise<Readiness>
  readonly metrics: Registry
}
