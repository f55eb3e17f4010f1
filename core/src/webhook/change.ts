import { AppError } from '../errors.ts'
import type { WebhookStore } from './store.ts'
import type { Webhook } from './webhook.ts'

/**
 * Reads, changes and commits on the version that was read; again when somebody was faster, five times, then CONFLICT.
 * Null: it is not there, or `change` had nothing to change. Returns the document as it is stored then.
 */
export async function changeWebhook(
  store: Pick<WebhookStore, 'get' | 'commit'>,
  workspaceId: string,
  id: string,
  change: (webhook: Webhook) => Webhook | null,
): Promise<Webhook | null> {
  for (let tries = 0; tries < 5; tries++) {
    const webhook = await store.get(workspaceId, id)
    const changed = webhook && change(webhook)
    if (!changed) return null
    if (await store.commit(changed)) return { ...changed, version: changed.version + 1 }
  }
  throw new AppError('CONFLICT', 'The webhook was changed at the same time. Try again.')
}
