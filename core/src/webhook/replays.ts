import { AppError, invalid } from '../errors.ts'
import type { EventType } from '../event/event.ts'
import type { Delivery, DeliveryFilter, DeliveryStatus } from '../event/store.ts'
import type { Caller, Page } from '../operations.ts'
import type { Queue } from '../queue/queue.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { notFound } from './endpoints.ts'

export interface Replays {
  /** What went, goes or is to go to an endpoint, newest first. NOT_FOUND. */
  deliveries(
    workspaceId: string,
    webhookId: string,
    filter: { status?: DeliveryStatus | undefined },
    page: Page,
  ): Promise<{ deliveries: Delivery[]; nextCursor: string | null }>
  /** Makes one delivery again, whatever became of it; one that is being posted is left alone. NOT_FOUND, VALIDATION (endpoint switched off). */
  one(caller: Caller, webhookId: string, deliveryId: string): Promise<Delivery>
  /** Makes all settled deliveries of a time again, under their old event ids. Returns how many. NOT_FOUND, VALIDATION (endpoint switched off, bad range). */
  range(
    caller: Caller,
    webhookId: string,
    range: { since: Date; until?: Date | undefined; events?: readonly EventType[] | undefined },
  ): Promise<{ count: number }>
}

export interface ReplaysOptions {
  readonly stores: Pick<Stores, 'webhooks' | 'deliveries' | 'audit'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  readonly queue: Pick<Queue, 'add'>
}

const batch = 500
/** A pending delivery that is due later than any lease lasts is waiting for a retry, so nobody is posting it now. */
const leaseMaxMs = 60_000

export function createReplays({ stores, runtime, queue }: ReplaysOptions): Replays {
  async function activeEndpoint(workspaceId: string, webhookId: string): Promise<void> {
    const webhook = await stores.webhooks.get(workspaceId, webhookId)
    if (!webhook) throw notFound()
    if (!webhook.isActive) throw invalid('id', 'the webhook is switched off: switch it on first, or its deliveries are skipped again')
  }

  async function audit(caller: Caller, action: string, target: string, data: Record<string, unknown>): Promise<void> {
    await stores.audit.record({
      id: runtime.id('aud'),
      workspaceId: caller.workspaceId,
      actor: caller.actor,
      action,
      target,
      data,
      at: runtime.now(),
    })
  }

  /** A lost hint is the sweeper's: what is reopened is due now. */
  async function hint(workspaceId: string, ids: readonly string[]): Promise<void> {
    await queue.add(ids.map((id) => ({ kind: 'delivery', workspaceId, id }))).catch(() => {})
  }

  return {
    async deliveries(workspaceId, webhookId, { status }, page) {
      if (!(await stores.webhooks.get(workspaceId, webhookId))) throw notFound()
      const filter: DeliveryFilter = { consumer: `webhook:${webhookId}`, ...(status ? { status } : {}) }
      return stores.deliveries.find(workspaceId, filter, { limit: page.limit, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) })
    },

    async one(caller, webhookId, id) {
      const { workspaceId } = caller
      await activeEndpoint(workspaceId, webhookId)
      for (let tries = 0; tries < 5; tries++) {
        const delivery = await stores.deliveries.get(workspaceId, id)
        if (!delivery || delivery.consumer !== `webhook:${webhookId}`) throw new AppError('NOT_FOUND', 'There is no such delivery')
        const isWaitingLong = delivery.dueAt !== null && delivery.dueAt.getTime() - runtime.now().getTime() > leaseMaxMs
        if (delivery.status === 'pending' && !isWaitingLong) return delivery
        const again: Delivery = { ...delivery, status: 'pending', dueAt: runtime.now() }
        if (!(await stores.deliveries.commit(again))) continue
        await hint(workspaceId, [id])
        await audit(caller, 'webhook.delivery_replayed', webhookId, { deliveryId: id })
        return { ...again, version: again.version + 1 }
      }
      throw new AppError('CONFLICT', 'The delivery was changed at the same time. Try again.')
    },

    async range(caller, webhookId, { since, until, events }) {
      const { workspaceId } = caller
      if (until && until < since) throw invalid('until', 'must not be before since')
      await activeEndpoint(workspaceId, webhookId)
      const now = runtime.now()
      const filter: DeliveryFilter = {
        consumer: `webhook:${webhookId}`,
        since,
        until: until && until < now ? until : now,
        ...(events ? { events } : {}),
      }
      // Workers settle what is reopened while this goes on, and then it matches again: rounds that bring nothing new are the end, but not the
      // first one, because it may have been filled with such.
      const reopened = new Set<string>()
      for (let staleRounds = 0; staleRounds < 3; ) {
        const ids = await stores.deliveries.reopen(workspaceId, filter, now, batch)
        if (ids.length === 0) break
        const known = reopened.size
        for (const id of ids) reopened.add(id)
        staleRounds = reopened.size === known ? staleRounds + 1 : 0
      }
      const all = [...reopened]
      for (let i = 0; i < all.length; i += batch) await hint(workspaceId, all.slice(i, i + batch))
      await audit(caller, 'webhook.replayed', webhookId, { since, until: until ?? null, events: events ?? null, count: all.length })
      return { count: all.length }
    },
  }
}
