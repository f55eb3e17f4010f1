import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { dncBody } from '../schemas/message.ts'
import { byId } from '../schemas/text.ts'
import { dncEntry, dncPage, pageQuery } from '../schemas/workspace.ts'
import { dncView } from '../views/workspace.ts'

const tag = 'do-not-contact'

export function createDncRoutes({ engine: { consent } }: { engine: Pick<Engine, 'consent'> }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/dnc',
      tag,
      summary: 'The do-not-contact list, newest first',
      scope: 'read',
      query: pageQuery,
      answers: { 200: dncPage },
      handle: async ({ caller, query }) => {
        const found = await consent.findDnc(caller.workspaceId, query)
        return reply(200, { entries: found.entries.map(dncView), nextCursor: found.nextCursor })
      },
    }),
    route({
      method: 'POST',
      path: '/api/dnc',
      tag,
      summary: 'Never contact this person or address; cancels what still waits',
      scope: 'write',
      reserve: 'dnc',
      body: dncBody,
      answers: { 201: dncEntry },
      handle: async ({ caller, body, reserved }) => reply(201, dncView(await consent.addDnc(caller, body, reserved))),
    }),
    route({
      method: 'DELETE',
      path: '/api/dnc/{id}',
      tag,
      summary: 'Take an entry off the list',
      scope: 'write',
      params: byId,
      answers: { 204: null },
      handle: async ({ caller, params }) => {
        await consent.removeDnc(caller, params.id)
        return reply(204, null)
      },
    }),
  ]
}
