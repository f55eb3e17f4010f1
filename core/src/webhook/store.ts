import type { Outboxes } from '../event/event.ts'
import type { Webhook } from './webhook.ts'

export interface WebhookStore extends Outboxes {
  insert(webhook: Webhook): Promise<boolean>
  get(workspaceId: string, id: string): Promise<Webhook | null>
  /** Every endpoint of the workspace, oldest first. */
  list(workspaceId: string): Promise<Webhook[]>
  commit(webhook: Webhook): Promise<boolean>
  remove(workspaceId: string, id: string): Promise<boolean>
}
