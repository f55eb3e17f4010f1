import { deliveryView, webhookView } from '@trunkline/core'
import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { byId } from '../schemas/text.ts'
import {
  delivery,
  deliveryPage,
  deliveryParams,
  deliveryQuery,
  replayBody,
  testAnswer,
  webhook,
  webhookBody,
  webhookPatch,
  webhookWithSecret,
} from '../schemas/webhook.ts'

const tag = 'webhooks'
/** The poster's own limit of 15 s ends a test; a caller who hangs up need not. */
const neverAborted = new AbortController().signal

function createEndpointRoutes(webhooks: Engine['webhooks']): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/webhooks',
      tag,
      summary: 'Every endpoint and how it is doing',
      scope: 'read',
      answers: { 200: z.object({ webhooks: z.array(webhook) }) },
      handle: async ({ caller }) => reply(200, { webhooks: (await webhooks.list(caller.workspaceId)).map(webhookView) }),
    }),
    route({
      method: 'POST',
      path: '/api/webhooks',
      tag,
      summary: 'Add an endpoint; its secret is shown once',
      scope: 'write',
      reserve: 'whk',
      isSecret: true,
      body: webhookBody,
      answers: { 201: webhookWithSecret },
      handle: async ({ caller, body, reserved }) => {
        const made = await webhooks.create(caller, body, reserved)
        return reply(201, { ...webhookView(made.webhook), secret: made.secret })
      },
    }),
    route({
      method: 'GET',
      path: '/api/webhooks/{id}',
      tag,
      summary: 'Read an endpoint',
      scope: 'read',
      params: byId,
      answers: { 200: webhook },
      handle: async ({ caller, params }) => reply(200, webhookView(await webhooks.get(caller.workspaceId, params.id))),
    }),
    route({
      method: 'PATCH',
      path: '/api/webhooks/{id}',
      tag,
      summary: 'Change an endpoint, or switch it off or on again',
      scope: 'write',
      params: byId,
      body: webhookPatch,
      answers: { 200: webhook },
      handle: async ({ caller, params, body }) => reply(200, webhookView(await webhooks.update(caller, params.id, body))),
    }),
    route({
      method: 'DELETE',
      path: '/api/webhooks/{id}',
      tag,
      summary: 'Remove an endpoint',
      scope: 'write',
      params: byId,
      answers: { 204: null },
      handle: async ({ caller, params }) => {
        await webhooks.remove(caller, params.id)
        return reply(204, null)
      },
    }),
    route({
      method: 'POST',
      path: '/api/webhooks/{id}/test',
      tag,
      summary: 'Post a signed sample now and show what came back',
      scope: 'write',
      params: byId,
      answers: { 200: testAnswer },
      handle: async ({ caller, params }) => reply(200, await webhooks.test(caller.workspaceId, params.id, neverAborted)),
    }),
    route({
      method: 'POST',
      path: '/api/webhooks/{id}/rotate-secret',
      tag,
      summary: 'A new secret, shown once; the old one signs too for a day',
      scope: 'write',
      isSecret: true,
      params: byId,
      answers: { 200: webhookWithSecret },
      handle: async ({ caller, params }) => {
        const rotated = await webhooks.rotateSecret(caller, params.id)
        return reply(200, { ...webhookView(rotated.webhook), secret: rotated.secret })
      },
    }),
  ]
}

function createDeliveryRoutes(replays: Engine['replays']): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/webhooks/{id}/deliveries',
      tag,
      summary: 'What was and is to be delivered, newest first',
      scope: 'read',
      params: byId,
      query: deliveryQuery,
      answers: { 200: deliveryPage },
      handle: async ({ caller, params, query: { status, ...page } }) => {
        const found = await replays.deliveries(caller.workspaceId, params.id, { status }, page)
        return reply(200, { deliveries: found.deliveries.map(deliveryView), nextCursor: found.nextCursor })
      },
    }),
    route({
      method: 'POST',
      path: '/api/webhooks/{id}/deliveries/{deliveryId}/replay',
      tag,
      summary: 'Deliver one event again',
      scope: 'write',
      params: deliveryParams,
      answers: { 202: delivery },
      handle: async ({ caller, params }) => reply(202, deliveryView(await replays.one(caller, params.id, params.deliveryId))),
    }),
    route({
      method: 'POST',
      path: '/api/webhooks/{id}/replay',
      tag,
      summary: 'Deliver what happened in a period again',
      scope: 'write',
      params: byId,
      body: replayBody,
      answers: { 202: z.object({ count: z.int() }) },
      handle: async ({ caller, params, body }) => reply(202, await replays.range(caller, params.id, body)),
    }),
  ]
}

export function createWebhookRoutes({ engine: { webhooks, replays } }: { engine: Pick<Engine, 'webhooks' | 'replays'> }): Route[] {
  return [...createEndpointRoutes(webhooks), ...createDeliveryRoutes(replays)]
}
