import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { list, listBody, listLeadsBody } from '../schemas/lead.ts'
import { byId } from '../schemas/text.ts'
import { listView } from '../views/workspace.ts'

const tag = 'leads'

export function createListRoutes({ engine: { leads } }: { engine: Pick<Engine, 'leads'> }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/lists',
      tag,
      summary: 'Every list and how many leads are on it',
      scope: 'read',
      answers: { 200: z.object({ lists: z.array(list) }) },
      handle: async ({ caller }) => reply(200, { lists: (await leads.lists(caller.workspaceId)).map(listView) }),
    }),
    route({
      method: 'POST',
      path: '/api/lists',
      tag,
      summary: 'Make a list',
      scope: 'write',
      reserve: 'list',
      body: listBody,
      answers: { 201: list },
      handle: async ({ caller, body, reserved }) => {
        const made = await leads.createList(caller, body, reserved)
        return reply(201, listView(await leads.getList(caller.workspaceId, made.id)))
      },
    }),
    route({
      method: 'GET',
      path: '/api/lists/{id}',
      tag,
      summary: 'Read a list',
      scope: 'read',
      params: byId,
      answers: { 200: list },
      handle: async ({ caller, params }) => reply(200, listView(await leads.getList(caller.workspaceId, params.id))),
    }),
    route({
      method: 'DELETE',
      path: '/api/lists/{id}',
      tag,
      summary: 'Remove a list; its leads stay',
      scope: 'write',
      params: byId,
      answers: { 204: null },
      handle: async ({ caller, params }) => {
        await leads.removeList(caller, params.id)
        return reply(204, null)
      },
    }),
    route({
      method: 'POST',
      path: '/api/lists/{id}/leads',
      tag,
      summary: 'Put leads on a list',
      scope: 'write',
      params: byId,
      body: listLeadsBody,
      answers: { 200: z.object({ addedCount: z.int() }) },
      handle: async ({ caller, params, body }) => reply(200, await leads.addToList(caller, params.id, body.leadIds)),
    }),
  ]
}
