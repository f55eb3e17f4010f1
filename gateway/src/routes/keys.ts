import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { byId } from '../schemas/text.ts'
import { key, keyBody, keyWithSecret } from '../schemas/workspace.ts'
import { keyView } from '../views/workspace.ts'

const tag = 'workspace'

export function createKeyRoutes({ engine: { keys } }: { engine: Pick<Engine, 'keys'> }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/keys',
      tag,
      summary: 'API keys, without their secrets',
      scope: 'admin',
      answers: { 200: z.object({ keys: z.array(key) }) },
      handle: async ({ caller }) => reply(200, { keys: (await keys.list(caller.workspaceId)).map(keyView) }),
    }),
    route({
      method: 'POST',
      path: '/api/keys',
      tag,
      summary: 'Make an API key; its secret is shown once',
      scope: 'admin',
      reserve: 'key',
      isSecret: true,
      body: keyBody,
      answers: { 201: keyWithSecret },
      handle: async ({ caller, body, reserved }) => {
        const made = await keys.create(caller, body, reserved)
        return reply(201, { ...keyView(made.key), secret: made.secret })
      },
    }),
    route({
      method: 'POST',
      path: '/api/keys/{id}/rotate',
      tag,
      summary: 'A new secret, shown once; the old one stays valid for a day',
      scope: 'admin',
      isSecret: true,
      params: byId,
      answers: { 200: keyWithSecret },
      handle: async ({ caller, params }) => {
        const rotated = await keys.rotate(caller, params.id)
        return reply(200, { ...keyView(rotated.key), secret: rotated.secret })
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/keys/{id}',
      tag,
      summary: 'Revoke an API key',
      scope: 'admin',
      params: byId,
      answers: { 204: null },
      handle: async ({ caller, params }) => {
        await keys.revoke(caller, params.id)
        return reply(204, null)
      },
    }),
  ]
}
