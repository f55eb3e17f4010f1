import { AppError, checkedAddressView, leadView } from '@trunkline/core'
import type { Engine } from '../engine.ts'
import { given, type Route, reply, route } from '../route.ts'
import { checkLeadsBody, lead, leadAnswer, leadBody, leadPage, leadQuery, leadsBody, saveAnswer, saveBody } from '../schemas/lead.ts'
import { byId } from '../schemas/text.ts'
import { jobStarted } from '../schemas/workspace.ts'

const tag = 'leads'
/** A thousand leads with their custom fields. */
const bytesMax = 8 * 1_048_576

/** One lead sent by itself has no `leads.0.` before its fields. */
function bare(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'VALIDATION') return error
  const strip = (text: string) => text.replace(/^leads\.0\./, '')
  const issues = error.issues.map(({ path, message }) => ({ path: strip(path), message }))
  return new AppError('VALIDATION', strip(error.message), { issues, extra: error.extra, cause: error })
}

export function createLeadRoutes({ engine: { leads, availability } }: { engine: Pick<Engine, 'leads' | 'availability'> }): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/leads',
      tag,
      summary: 'Save one lead or many; known addresses answer the lead that has them',
      scope: 'write',
      reserve: 'lead',
      bytesMax,
      body: saveBody,
      choose: (raw) => (typeof raw === 'object' && raw !== null && 'leads' in raw ? leadsBody : leadBody),
      answers: { 200: saveAnswer, 201: saveAnswer },
      handle: async ({ caller, body, reserved }) => {
        const isMany = 'leads' in body
        const saved = await leads.save(caller, isMany ? body.leads : [body], reserved).catch((error: unknown) => {
          throw isMany ? error : bare(error)
        })
        const answer = {
          savedCount: saved.leads.length,
          duplicateCount: saved.duplicates.length,
          leadIds: saved.leads.map(({ id }) => id),
          leads: saved.leads.map(leadView),
          duplicates: saved.duplicates.map(({ input, existingLeadId }) => ({ input: { ...input }, existingLeadId })),
        }
        return reply(saved.leads.length > 0 ? 201 : 200, answer)
      },
    }),
    route({
      method: 'GET',
      path: '/api/leads',
      tag,
      summary: 'List leads, newest first',
      scope: 'read',
      query: leadQuery,
      answers: { 200: leadPage },
      handle: async ({ caller, query: { limit, cursor, ...filter } }) => {
        const found = await leads.find(caller.workspaceId, given(filter), { limit, cursor })
        return reply(200, { leads: found.leads.map(leadView), nextCursor: found.nextCursor })
      },
    }),
    route({
      method: 'GET',
      path: '/api/leads/check-availability',
      tag: 'availability',
      summary: 'Check the addresses of one lead, in order, until one is on iMessage',
      scope: 'read',
      class: 'availability',
      query: byId,
      answers: { 200: leadAnswer },
      handle: async ({ caller, query }) => {
        const { checkedAddresses, ...found } = await availability.checkLead(caller, query.id)
        return reply(200, { ...found, checkedAddresses: checkedAddresses.map(checkedAddressView) })
      },
    }),
    route({
      method: 'POST',
      path: '/api/leads/check-availability',
      tag: 'availability',
      summary: 'Check many leads in the background',
      scope: 'write',
      class: 'availability',
      reserve: 'job',
      body: checkLeadsBody,
      answers: { 202: jobStarted },
      handle: async ({ caller, body, reserved }) => reply(202, await availability.checkLeads(caller, body, reserved)),
    }),
    route({
      method: 'GET',
      path: '/api/leads/{id}',
      tag,
      summary: 'Read a lead',
      scope: 'read',
      params: byId,
      answers: { 200: lead },
      handle: async ({ caller, params }) => reply(200, leadView(await leads.get(caller.workspaceId, params.id))),
    }),
    route({
      method: 'PATCH',
      path: '/api/leads/{id}',
      tag,
      summary: 'Change a lead; null clears a field',
      scope: 'write',
      params: byId,
      body: leadBody,
      answers: { 200: lead },
      handle: async ({ caller, params, body }) => reply(200, leadView(await leads.update(caller, params.id, body))),
    }),
    route({
      method: 'DELETE',
      path: '/api/leads/{id}',
      tag,
      summary: 'Erase a lead with its messages, replies and events',
      scope: 'write',
      params: byId,
      answers: { 204: null },
      handle: async ({ caller, params }) => {
        await leads.remove(caller, params.id)
        return reply(204, null)
      },
    }),
  ]
}
