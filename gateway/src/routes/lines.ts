import type { Line, LineUsage } from '@trunkline/core'
import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { lineAnswer, lineBody, linePatch, lineQuery } from '../schemas/line.ts'
import { byId } from '../schemas/text.ts'
import { lineView } from '../views/line.ts'

const tag = 'lines'
const listAnswer = z.object({ lines: z.array(lineAnswer) })

export function createLineRoutes({ engine: { lines }, publicUrl }: { engine: Pick<Engine, 'lines'>; publicUrl: string }): Route[] {
  const view = (line: Line & LineUsage) => lineView(line, publicUrl)
  const listing = (path: string, summary: string) =>
    route({
      method: 'GET',
      path,
      tag,
      summary,
      scope: 'read',
      query: lineQuery,
      answers: { 200: listAnswer },
      handle: async ({ caller, query }) => reply(200, { lines: (await lines.list(caller.workspaceId, query)).map(view) }),
    })
  return [
    listing('/api/lines', 'Every line with its health, usage and what remains today'),
    listing('/api/lines/by-user', 'The same as GET /api/lines'),
    route({
      method: 'POST',
      path: '/api/lines',
      tag,
      summary: 'Add a line',
      scope: 'write',
      reserve: 'line',
      body: lineBody,
      answers: { 201: lineAnswer },
      handle: async ({ caller, body, reserved }) => reply(201, view(await lines.create(caller, body, reserved))),
    }),
    route({
      method: 'GET',
      path: '/api/lines/{id}',
      tag,
      summary: 'Read a line',
      scope: 'read',
      params: byId,
      answers: { 200: lineAnswer },
      handle: async ({ caller, params }) => reply(200, view(await lines.get(caller.workspaceId, params.id))),
    }),
    route({
      method: 'PATCH',
      path: '/api/lines/{id}',
      tag,
      summary: 'Change a line; a secret that is left out stays',
      scope: 'write',
      params: byId,
      body: linePatch,
      answers: { 200: lineAnswer },
      handle: async ({ caller, params, body }) => reply(200, view(await lines.update(caller, params.id, body))),
    }),
    route({
      method: 'DELETE',
      path: '/api/lines/{id}',
      tag,
      summary: 'Remove a line that has nothing left to send',
      scope: 'write',
      params: byId,
      answers: { 204: null },
      handle: async ({ caller, params }) => {
        await lines.remove(caller, params.id)
        return reply(204, null)
      },
    }),
    route({
      method: 'POST',
      path: '/api/lines/{id}/check',
      tag,
      summary: "Ask the line's bridge now how it is",
      scope: 'write',
      params: byId,
      answers: { 200: lineAnswer },
      handle: async ({ caller, params }) => reply(200, view(await lines.check(caller.workspaceId, params.id))),
    }),
  ]
}
