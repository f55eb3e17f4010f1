import type { Consumer, ConsumerKind, Delivered, Outcome } from '../event/consumer.ts'
import { attemptInRound, defaultScheduleMs, judge } from '../event/retry.ts'
import type { Delivery } from '../event/store.ts'
import type { Runtime } from '../runtime.ts'
import type { Poster } from './post.ts'
import type { Secrets } from './secrets.ts'
import { signedHeaders } from './sign.ts'
import type { WebhookStore } from './store.ts'
import type { SwitchOff } from './switch-off.ts'
import type { Tally } from './tally.ts'
import type { Webhook } from './webhook.ts'

export interface WebhookKindOptions {
  readonly webhooks: Pick<WebhookStore, 'list'>
  readonly runtime: Pick<Runtime, 'now' | 'random'>
  readonly poster: Pick<Poster, 'post'>
  readonly secrets: Pick<Secrets, 'valid'>
  readonly tally: Pick<Tally, 'record'>
  readonly switchOff: SwitchOff
  readonly scheduleMs?: readonly number[]
}

/** Webhook endpoints as consumers of events: signed, posted, judged (product.md §10). */
export function createWebhookKind(options: WebhookKindOptions): ConsumerKind {
  const { webhooks, runtime, poster, secrets, tally, switchOff, scheduleMs = defaultScheduleMs } = options

  function skipped(why: string): Delivered {
    return { outcome: { type: 'skip', why }, attempt: null, pauseMs: null, detail: {} }
  }

  return {
    prefix: 'webhook',
    async list(workspaceId) {
      return (await webhooks.list(workspaceId)).filter((webhook) => webhook.isActive || webhook.disabledAt !== null).map(consumerOf)
    },
    async deliver(delivery: Delivery, signal: AbortSignal) {
      const { workspaceId } = delivery
      const id = delivery.consumer.slice('webhook:'.length)
      // The list and not the one: the store answers everybody who asks in the same moment with one query.
      const webhook = (await webhooks.list(workspaceId)).find((each) => each.id === id)
      if (!webhook) return skipped('the endpoint was removed')
      if (!webhook.isActive) return skipped('the endpoint is switched off')
      const at = runtime.now()
      const { eventId, event, body, correlationId } = delivery
      const signed = signedHeaders({ id: eventId, event, body, at, secrets: secrets.valid(webhook) })
      const headers = correlationId ? { ...signed, 'x-correlation-id': correlationId } : signed
      const result = await poster.post({ url: webhook.url, headers, body, signal })
      const detail = { endpoint: id, origin: new URL(webhook.url).origin }
      if (result.error !== null && signal.aborted) {
        return { outcome: { type: 'later', at: runtime.now(), why: 'called off' }, attempt: null, pauseMs: null, detail }
      }
      const failingSince = await tally.record(webhook, { ok: result.error === null, at })
      const attemptNumber = attemptInRound(delivery.attempts.length, scheduleMs)
      const verdict = judge({ attemptNumber, result, failingSince, now: runtime.now(), scheduleMs, dice: runtime.random() })
      let outcome: Outcome
      if ('disable' in verdict) {
        await switchOff(workspaceId, id, verdict.disable)
        outcome = { type: 'skip', why: `the endpoint was switched off: ${verdict.disable}` }
      } else if ('again' in verdict) outcome = { type: 'retry', at: verdict.again, why: verdict.why }
      else outcome = verdict.settle === 'delivered' ? { type: 'done' } : { type: 'fail', why: verdict.why }
      const attempt = { at, statusCode: result.statusCode, latencyMs: result.latencyMs, error: result.error }
      return { outcome, attempt, pauseMs: result.retryAfterMs, detail }
    },
  }
}

function consumerOf(webhook: Webhook): Consumer {
  return {
    key: `webhook:${webhook.id}`,
    state: webhook.isActive ? 'on' : 'paused',
    wants: (type) => webhook.events.includes('*') || webhook.events.includes(type),
  }
}
