import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { byId } from '../schemas/text.ts'
import { pageQuery, readOnlyBody, workspace, workspaceBody, workspacePage, workspacePatch } from '../schemas/workspace.ts'
import { workspaceView } from '../views/workspace.ts'
import type { WorkspaceCache } from '../workspace-cache.ts'

const tag = 'workspace'

interface Parts {
  engine: Pick<Engine, 'workspaces'>
  cache: WorkspaceCache
}

/** A workspace's own settings, and (for the installation's admin key) the workspaces of the installation. */
export function createWorkspaceRoutes({ engine: { workspaces }, cache }: Parts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/workspace',
      tag,
      summary: 'Settings of the workspace',
      scope: 'read',
      answers: { 200: workspace },
      handle: async ({ caller }) => reply(200, workspaceView(await workspaces.get(caller.workspaceId))),
    }),
    route({
      method: 'PATCH',
      path: '/api/workspace',
      tag,
      summary: 'Change settings of the workspace',
      scope: 'admin',
      body: workspacePatch,
      answers: { 200: workspace },
      handle: async ({ caller, body }) => {
        const changed = await workspaces.update(caller, caller.workspaceId, body)
        cache.forget()
        return reply(200, workspaceView(changed))
      },
    }),
    route({
      method: 'GET',
      path: '/api/workspaces',
      tag: 'installation',
      summary: 'Every workspace',
      scope: 'installation',
      query: pageQuery,
      answers: { 200: workspacePage },
      handle: async ({ query }) => {
        const found = await workspaces.list(query)
        return reply(200, { workspaces: found.workspaces.map(workspaceView), nextCursor: found.nextCursor })
      },
    }),
    route({
      method: 'POST',
      path: '/api/workspaces',
      tag: 'installation',
      summary: 'Make a workspace; its admin key is shown once',
      scope: 'installation',
      reserve: 'ws',
      isSecret: true,
      body: workspaceBody,
      answers: { 201: z.object({ workspace, apiKey: z.string() }) },
      handle: async ({ caller, body, reserved }) => {
        const made = await workspaces.create(caller, body, reserved)
        cache.forget()
        return reply(201, { workspace: workspaceView(made.workspace), apiKey: made.apiKey })
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/workspaces/{id}',
      tag: 'installation',
      summary: 'Make a workspace read-only, or writable again (null)',
      scope: 'installation',
      ignoresReadOnly: true,
      params: byId,
      body: readOnlyBody,
      answers: { 200: workspace },
      handle: async ({ caller, params, body }) => {
        const changed = await workspaces.setReadOnly(caller, params.id, body.readOnly)
        cache.forget()
        return reply(200, workspaceView(changed))
      },
    }),
  ]
}
