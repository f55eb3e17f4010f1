import { AppError, invalid } from '../errors.ts'
import type { EventType } from '../event/event.ts'
import type { Caller, Reserved } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { changeWebhook } from './change.ts'
import { refuseUrl } from './guard.ts'
import type { Poster } from './post.ts'
import { type Resolve, refuseHost, systemResolve } from './resolve.ts'
import { sampleBody } from './sample.ts'
import type { Secrets } from './secrets.ts'
import { newSecret, signedHeaders } from './sign.ts'
import type { Webhook } from './webhook.ts'

export interface WebhookInput {
  url: string
  events: readonly (EventType | '*')[]
  name?: string | null | undefined
  description?: string | null | undefined
}

export interface Webhooks {
  /** The secret is in clear here and never again. Refuses: URL_REFUSED, VALIDATION (no events, too many endpoints). */
  create(caller: Caller, input: WebhookInput, reserved?: Reserved): Promise<{ webhook: Webhook; secret: string }>
  list(workspaceId: string): Promise<Webhook[]>
  /** NOT_FOUND. */
  get(workspaceId: string, id: string): Promise<Webhook>
  /** `isActive: true` also brings back an endpoint that Trunkline switched off. NOT_FOUND, URL_REFUSED, VALIDATION, CONFLICT. */
  update(caller: Caller, id: string, patch: Partial<WebhookInput> & { isActive?: boolean | undefined }): Promise<Webhook>
  /** What was on its way to it settles as skipped. NOT_FOUND. */
  remove(caller: Caller, id: string): Promise<void>
  /** Posts a sample event now, signed like a real one; kept nowhere and counted nowhere. NOT_FOUND. */
  test(
    workspaceId: string,
    id: string,
    signal: AbortSignal,
  ): Promise<{ success: boolean; statusCode: number | null; latencyMs: number; response: string }>
  /** A new secret; the one before stays valid for a day, both sign meanwhile. NOT_FOUND, CONFLICT. */
  rotateSecret(caller: Caller, id: string): Promise<{ webhook: Webhook; secret: string; previousValidUntil: Date | null }>
}

export interface EndpointsOptions {
  readonly stores: Pick<Stores, 'webhooks' | 'audit'>
  readonly runtime: Pick<Runtime, 'now' | 'id' | 'after'>
  readonly secrets: Secrets
  readonly poster: Pick<Poster, 'post'>
  readonly allowPrivate: boolean
  readonly resolve?: Resolve
}

const endpointsMax = 100
const oldSecretMs = 24 * 3_600_000
/** The check while saving is a courtesy; the one that counts is made when connecting, so a slow name server may not hold up the answer. */
const resolveMaxMs = 3_000

/** The operations on webhook endpoints. Replays are in replays.ts. */
export function createEndpoints({ stores, runtime, secrets, poster, allowPrivate, resolve }: EndpointsOptions): Webhooks {
  const guard = { allowPrivate }
  const resolveName = resolve ?? systemResolve(guard)

  async function checkUrl(url: string): Promise<void> {
    const why = refuseUrl(url, guard) ?? (allowPrivate ? null : await refuseNow(new URL(url).hostname))
    if (why !== null) throw new AppError('URL_REFUSED', why, { issues: [{ path: 'url', message: why }] })
  }

  function refuseNow(hostname: string): Promise<string | null> {
    const { promise, resolve: giveUp } = Promise.withResolvers<null>()
    const cancel = runtime.after(resolveMaxMs, () => giveUp(null))
    return Promise.race([refuseHost(hostname, resolveName, guard), promise]).finally(cancel)
  }

  function checkEvents(events: WebhookInput['events']): void {
    if (events.length === 0) throw invalid('events', 'name at least one event, or "*"')
  }

  async function audit(caller: Caller, action: string, target: string, data: Record<string, unknown> = {}): Promise<void> {
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

  async function get(workspaceId: string, id: string): Promise<Webhook> {
    const webhook = await stores.webhooks.get(workspaceId, id)
    if (!webhook) throw notFound()
    return webhook
  }

  async function change(workspaceId: string, id: string, to: (webhook: Webhook) => Webhook): Promise<Webhook> {
    const changed = await changeWebhook(stores.webhooks, workspaceId, id, to)
    if (!changed) throw notFound()
    return changed
  }

  return {
    get,
    list: (workspaceId) => stores.webhooks.list(workspaceId),

    async create(caller, input, reserved = {}) {
      const { workspaceId } = caller
      checkEvents(input.events)
      await checkUrl(input.url)
      if ((await stores.webhooks.list(workspaceId)).length >= endpointsMax) {
        throw invalid('url', `a workspace has at most ${endpointsMax} webhooks`)
      }
      const id = reserved.id ?? runtime.id('whk')
      const secret = newSecret()
      const now = runtime.now()
      const webhook: Webhook = {
        id,
        workspaceId,
        version: 1,
        seq: 0,
        outbox: [],
        url: input.url,
        events: [...new Set(input.events)],
        name: input.name ?? null,
        description: input.description ?? null,
        isActive: true,
        secrets: [{ sealed: secrets.seal({ workspaceId, id }, secret), validUntil: null }],
        failureCount: 0,
        failingSince: null,
        lastSuccessAt: null,
        lastFailureAt: null,
        disabledAt: null,
        disabledReason: null,
        createdAt: now,
        updatedAt: now,
      }
      if (!(await stores.webhooks.insert(webhook))) {
        // The same request, taken up again after a crash: its endpoint is there, and its owner has not seen the secret yet.
        const first = await get(workspaceId, id)
        return { webhook: first, secret: secrets.valid(first)[0] ?? secret }
      }
      await audit(caller, 'webhook.created', id, { origin: new URL(input.url).origin, events: webhook.events })
      return { webhook, secret }
    },

    async update(caller, id, patch) {
      if (patch.events) checkEvents(patch.events)
      if (patch.url !== undefined) await checkUrl(patch.url)
      const now = runtime.now()
      const changed = await change(caller.workspaceId, id, (webhook) => {
        const next: Webhook = {
          ...webhook,
          url: patch.url ?? webhook.url,
          events: patch.events ? [...new Set(patch.events)] : webhook.events,
          name: patch.name === undefined ? webhook.name : patch.name,
          description: patch.description === undefined ? webhook.description : patch.description,
          isActive: patch.isActive ?? webhook.isActive,
          updatedAt: now,
        }
        // Switched on it starts with a clean record; switched off by a person it is no longer Trunkline's doing.
        if (patch.isActive === true && !webhook.isActive)
          return { ...next, disabledAt: null, disabledReason: null, failingSince: null, failureCount: 0 }
        return patch.isActive === false ? { ...next, disabledAt: null, disabledReason: null } : next
      })
      await audit(caller, 'webhook.updated', id, { fields: Object.keys(patch) })
      return changed
    },

    async remove(caller, id) {
      if (!(await stores.webhooks.remove(caller.workspaceId, id))) throw notFound()
      await audit(caller, 'webhook.removed', id)
    },

    async test(workspaceId, id, signal) {
      const webhook = await get(workspaceId, id)
      const at = runtime.now()
      const eventId = runtime.id('evt')
      const event = webhook.events.find((type) => type !== '*') ?? 'message.delivered'
      const body = JSON.stringify(sampleBody({ id: eventId, event, workspaceId, at }))
      const headers = signedHeaders({ id: eventId, event, body, at, secrets: secrets.valid(webhook) })
      const result = await poster.post({ url: webhook.url, headers, body, signal })
      return {
        success: result.error === null,
        statusCode: result.statusCode,
        latencyMs: result.latencyMs,
        response: result.statusCode === null ? (result.error ?? '') : result.response,
      }
    },

    async rotateSecret(caller, id) {
      const secret = newSecret()
      const now = runtime.now()
      const validUntil = new Date(now.getTime() + oldSecretMs)
      const webhook = await change(caller.workspaceId, id, (before) => {
        const sealed = secrets.seal(before, secret)
        // Two at once: rotated twice in a day, the oldest ends now.
        return {
          ...before,
          secrets: [{ sealed, validUntil: null }, ...before.secrets.slice(0, 1).map((old) => ({ ...old, validUntil }))],
          updatedAt: now,
        }
      })
      await audit(caller, 'webhook.secret_rotated', id)
      return { webhook, secret, previousValidUntil: webhook.secrets[1]?.validUntil ?? null }
    },
  }
}

export function notFound(): AppError {
  return new AppError('NOT_FOUND', 'There is no such webhook')
}
