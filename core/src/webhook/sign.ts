import { createHmac, randomBytes } from 'node:crypto'
import type { EventType } from '../event/event.ts'

/** A new signing secret: `whsec_` and 32 random bytes in base64 (standard-webhooks spec, "Signature scheme"). */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

export interface Signable {
  /** Stable over retries: receivers recognise a repeat by it. Holds no `.`. */
  readonly id: string
  readonly event: EventType
  readonly body: string
  /** When this attempt is made. */
  readonly at: Date
  /** Secrets as they were shown (`whsec_…`), newest first; at least one. */
  readonly secrets: readonly string[]
}

/**
 * The headers of one signed event. `webhook-signature` holds one `v1,` per secret, so that a receiver may know the old or the new one during
 * rotation; `X-Tuco-Signature` has room for one and is keyed by the newest, because that is the one its owner was shown last.
 * Sources: Standard Webhooks 1.0.0; product.md §10 for the `X-Tuco-*` ones (hex HMAC-SHA256 of the body, keyed by the secret's text as written).
 */
export function signedHeaders({ id, event, body, at, secrets }: Signable): Record<string, string> {
  const newest = secrets[0]
  if (newest === undefined) throw new Error('A webhook without a secret cannot be signed')
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const text = `${id}.${timestamp}.${body}`
  let signatures = ''
  for (const secret of secrets) {
    const signature = createHmac('sha256', keyOf(secret)).update(text, 'utf8').digest('base64')
    signatures += signatures === '' ? `v1,${signature}` : ` v1,${signature}`
  }
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures,
    'x-tuco-signature': createHmac('sha256', newest).update(body, 'utf8').digest('hex'),
    'x-tuco-event': event,
    'x-tuco-timestamp': timestamp,
  }
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret, 'base64')
}
