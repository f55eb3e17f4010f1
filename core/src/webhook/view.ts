import type { Delivery } from '../event/store.ts'
import type { Webhook } from './webhook.ts'

export type WebhookView = ReturnType<typeof webhookView>
export type DeliveryView = ReturnType<typeof deliveryView>

/** An endpoint as the API shows it (api.md §3): never a secret. */
export function webhookView(webhook: Webhook) {
  return {
    id: webhook.id,
    url: webhook.url,
    events: webhook.events,
    name: webhook.name,
    description: webhook.description,
    isActive: webhook.isActive,
    failureCount: webhook.failureCount,
    lastSuccessAt: webhook.lastSuccessAt?.toISOString() ?? null,
    lastFailureAt: webhook.lastFailureAt?.toISOString() ?? null,
    disabledAt: webhook.disabledAt?.toISOString() ?? null,
    disabledReason: webhook.disabledReason,
    createdAt: webhook.createdAt.toISOString(),
    updatedAt: webhook.updatedAt.toISOString(),
  }
}

export function deliveryView(delivery: Delivery) {
  return {
    id: delivery.id,
    event: delivery.event,
    eventId: delivery.eventId,
    status: delivery.status,
    attempts: delivery.attempts.map(({ at, statusCode, latencyMs, error }) => ({ at: at.toISOString(), statusCode, latencyMs, error })),
    nextAttemptAt: delivery.dueAt?.toISOString() ?? null,
    createdAt: delivery.createdAt.toISOString(),
  }
}
