import type { Engine } from '../engine.ts'
import { given, type Route, reply, route } from '../route.ts'
import { byId } from '../schemas/text.ts'
import { replyPage, replyQuery, replySchema } from '../schemas/webhook.ts'
import { auditPage, job, pageQuery } from '../schemas/workspace.ts'
import { replyView } from '../views/reply.ts'
import { auditView, jobView } from '../views/workspace.ts'

/** What is only read: replies, jobs, the audit log. */
export function createRecordRoutes({ engine: { replies, jobs, audit } }: { engine: Pick<Engine, 'replies' | 'jobs' | 'audit'> }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/replies',
      tag: 'replies',
      summary: 'Replies, newest first',
      scope: 'read',
      query: replyQuery,
      answers: { 200: replyPage },
      handle: async ({ caller, query: { limit, cursor, ...filter } }) => {
        const found = await replies.find(caller.workspaceId, given(filter), { limit, cursor })
        return reply(200, { replies: found.replies.map(replyView), nextCursor: found.nextCursor })
      },
    }),
    route({
      method: 'GET',
      path: '/api/replies/{id}',
      tag: 'replies',
      summary: 'Read a reply',
      scope: 'read',
      params: byId,
      answers: { 200: replySchema },
      handle: async ({ caller, params }) => reply(200, replyView(await replies.get(caller.workspaceId, params.id))),
    }),
    route({
      method: 'GET',
      path: '/api/jobs/{id}',
      tag: 'jobs',
      summary: 'How far a job in the background is',
      scope: 'read',
      params: byId,
      answers: { 200: job },
      handle: async ({ caller, params }) => reply(200, jobView(await jobs.get(caller.workspaceId, params.id))),
    }),
    route({
      method: 'GET',
      path: '/api/audit',
      tag: 'workspace',
      summary: 'Who changed what, newest first',
      scope: 'admin',
      query: pageQuery,
      answers: { 200: auditPage },
      handle: async ({ caller, query }) => {
        const found = await audit.find(caller.workspaceId, query)
        return reply(200, { entries: found.entries.map(auditView), nextCursor: found.nextCursor })
      },
    }),
  ]
}
