import type { Runtime } from '../runtime.ts'
import type { Webhook } from './webhook.ts'

/** Seals a secret for one workspace and field, and opens it again. */
export interface Sealer {
  seal(workspaceId: string, field: string, plain: string): string
  open(workspaceId: string, field: string, sealed: string): string
}

export interface Secrets {
  seal(webhook: Pick<Webhook, 'workspaceId' | 'id'>, plain: string): string
  /** Secrets that are valid now, newest first. */
  valid(webhook: Pick<Webhook, 'workspaceId' | 'id' | 'secrets'>): string[]
}

const openedMax = 2_000
const fieldOf = ({ id }: Pick<Webhook, 'id'>) => `webhook:${id}`

/** Opened secrets are remembered by their sealed text, because an endpoint signs thousands of times with the same one. */
export function createSecrets({ sealer, runtime }: { sealer: Sealer; runtime: Pick<Runtime, 'now'> }): Secrets {
  const opened = new Map<string, string>()
  return {
    seal: (webhook, plain) => sealer.seal(webhook.workspaceId, fieldOf(webhook), plain),
    valid(webhook) {
      const now = runtime.now()
      return webhook.secrets
        .filter(({ validUntil }) => validUntil === null || validUntil > now)
        .map(({ sealed }) => {
          const key = `${webhook.workspaceId}/${webhook.id}/${sealed}`
          let plain = opened.get(key)
          if (plain === undefined) {
            plain = sealer.open(webhook.workspaceId, fieldOf(webhook), sealed)
            if (opened.size >= openedMax) opened.clear()
            opened.set(key, plain)
          }
          return plain
        })
    },
  }
}
