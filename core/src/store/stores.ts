import type { AvailabilityStore } from '../availability/store.ts'
import type { ReplyStore } from '../conversation/store.ts'
import type { DeliveryStore } from '../event/store.ts'
import type { DncStore, LeadStore } from '../lead/store.ts'
import type { LineStore } from '../line/store.ts'
import type { MessageStore } from '../message/store.ts'
import type { WebhookStore } from '../webhook/store.ts'
import type { AuditStore, IdempotencyStore, JobStore, KeyStore, WorkspaceStore } from '../workspace/store.ts'

/** Every port of one store, and its ends. */
export interface Stores {
  readonly messages: MessageStore
  readonly lines: LineStore
  readonly leads: LeadStore
  readonly dnc: DncStore
  readonly availability: AvailabilityStore
  readonly replies: ReplyStore
  readonly deliveries: DeliveryStore
  readonly webhooks: WebhookStore
  readonly workspaces: WorkspaceStore
  readonly keys: KeyStore
  readonly audit: AuditStore
  readonly jobs: JobStore
  readonly idempotency: IdempotencyStore
  /** Answers within a second, or throws. For /readyz. */
  ping(): Promise<void>
  /** Waits for what is being written, then lets go of the database. */
  close(): Promise<void>
}
