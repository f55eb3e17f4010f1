export type { Reply } from './conversation/reply.ts'
export { createEngine, type Engine, type EngineParts, type EngineSettings } from './engine.ts'
export { AppError, type ErrorCode, errorTable, type Issue, invalid } from './errors.ts'
export { type EventType, eventTypes } from './event/event.ts'
export type { Delivery, DeliveryStatus } from './event/store.ts'
export { isCountryCode } from './lead/addresses.ts'
export type { Lead, LeadList } from './lead/lead.ts'
export type { DncEntry } from './lead/store.ts'
export { leadView } from './lead/view.ts'
export type { Line } from './line/line.ts'
export { statuses } from './message/lifecycle.ts'
export { type Channel, holdReasons, type Message } from './message/message.ts'
export { checkedAddressView, messageView } from './message/view.ts'
export { type Metrics, noMetrics } from './metrics.ts'
export type {
  Audit,
  Availability,
  Caller,
  Consent,
  Jobs,
  Keys,
  LeadInput,
  Leads,
  LineInput,
  Lines,
  LineUsage,
  MessageInput,
  Messages,
  Page,
  Replies,
  Reserved,
  ServiceReport,
  WorkspaceInput,
  Workspaces,
} from './operations.ts'
export { createMemoryQueue } from './queue/memory.ts'
export type { Queue } from './queue/queue.ts'
export type { IdPrefix } from './runtime.ts'
export { createRuntime, type Log, type Runtime } from './runtime.ts'
export { createPostgresStores, createSqliteStores, SteadyClient } from './store/sql/index.ts'
export type { Stores } from './store/stores.ts'
export { builtInKinds } from './transport/kinds.ts'
export type { TransportKind } from './transport/transport.ts'
export type { Webhooks } from './webhook/endpoints.ts'
export type { Replays } from './webhook/replays.ts'
export { deliveryView, webhookView } from './webhook/view.ts'
export type { Webhook } from './webhook/webhook.ts'
export { createSealer, type Sealer } from './workspace/secrets.ts'
export type { Claim, IdempotencyStore, StoredAnswer } from './workspace/store.ts'
export { type ApiKey, type AuditEntry, type Job, type Scope, scopes, type Workspace } from './workspace/workspace.ts'
