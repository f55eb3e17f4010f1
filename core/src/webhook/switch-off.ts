import { announce } from '../event/event.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { changeWebhook } from './change.ts'
import type { Webhook } from './webhook.ts'

export type SwitchOff = (workspaceId: string, id: string, reason: string) => Promise<void>

export interface SwitchOffOptions {
  readonly stores: Pick<Stores, 'webhooks' | 'audit'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  /** Relays the endpoint's own outbox: the other consumers are told. */
  readonly relay: (webhook: Webhook) => Promise<unknown>
}

/** Trunkline switches an endpoint off: with an event and an audit entry, once, however many deliveries come to that verdict together. */
export function createSwitchOff({ stores, runtime, relay }: SwitchOffOptions): SwitchOff {
  return async (workspaceId, id, reason) => {
    const at = runtime.now()
    const eventId = runtime.id('evt')
    const off = await changeWebhook(stores.webhooks, workspaceId, id, (webhook) => {
      if (!webhook.isActive) return null
      const data = { webhookId: id, name: webhook.name, reason, failingSince: webhook.failingSince?.toISOString() ?? null }
      return announce(
        { ...webhook, isActive: false, disabledAt: at, disabledReason: reason, updatedAt: at },
        { id: eventId, type: 'webhook.disabled', at, data },
      )
    })
    if (!off) return
    await stores.audit.record({ id: runtime.id('aud'), workspaceId, actor: 'system', action: 'webhook.disabled', target: id, data: { reason }, at })
    await relay(off)
  }
}
