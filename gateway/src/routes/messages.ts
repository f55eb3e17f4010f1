import { type Message, messageView } from '@trunkline/core'
import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { given, type Route, reply, route } from '../route.ts'
import { cancelForBody, messageAnswer, messagePage, messageQuery, sendBody, wholeMessage } from '../schemas/message.ts'
import { byId } from '../schemas/text.ts'

const tag = 'messages'

function envelope(
  doc: Message,
): { status: Message['status']; message: ReturnType<typeof messageView> } & Pick<
  Message,
  'leadId' | 'ghlContactId' | 'ghlLocationId' | 'hsContactId' | 'hsPortalId'
> {
  const { status, leadId, ghlContactId, ghlLocationId, hsContactId, hsPortalId } = doc
  return { status, message: messageView(doc), leadId, ghlContactId, ghlLocationId, hsContactId, hsPortalId }
}

/** One message asked for by its id: its own fields at the top, and the same under `message` as every other answer has it. */
function whole(doc: Message): Omit<ReturnType<typeof messageView>, 'message'> & ReturnType<typeof envelope> {
  return { ...messageView(doc), ...envelope(doc) }
}

export function createMessageRoutes({ engine: { messages } }: { engine: Pick<Engine, 'messages'> }): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/messages',
      tag,
      summary: 'Accept a message; it is sent as soon as its line may',
      scope: 'write',
      class: 'send',
      reserve: 'msg',
      body: sendBody,
      answers: { 201: messageAnswer },
      handle: async ({ caller, body, reserved }) => reply(201, envelope(await messages.accept(caller, body, reserved))),
    }),
    route({
      method: 'GET',
      path: '/api/messages',
      tag,
      summary: 'List messages, newest first',
      scope: 'read',
      query: messageQuery,
      answers: { 200: messagePage },
      handle: async ({ caller, query: { limit, cursor, ...filter } }) => {
        const found = await messages.find(caller.workspaceId, given(filter), { limit, cursor })
        return reply(200, { messages: found.messages.map(messageView), nextCursor: found.nextCursor })
      },
    }),
    route({
      method: 'POST',
      path: '/api/messages/cancel-for-lead',
      tag,
      summary: 'Cancel what is still waiting for one recipient',
      scope: 'write',
      body: cancelForBody,
      answers: { 200: z.object({ cancelledCount: z.int(), messageIds: z.array(z.string()) }) },
      handle: async ({ caller, body }) => reply(200, await messages.cancelFor(caller, body)),
    }),
    route({
      method: 'GET',
      path: '/api/messages/{id}',
      tag,
      summary: 'Read a message with its history',
      scope: 'read',
      params: byId,
      answers: { 200: wholeMessage },
      handle: async ({ caller, params }) => reply(200, whole(await messages.get(caller.workspaceId, params.id))),
    }),
    route({
      method: 'POST',
      path: '/api/messages/{id}/cancel',
      tag,
      summary: 'Cancel a message that has not left yet',
      scope: 'write',
      params: byId,
      answers: { 200: wholeMessage },
      handle: async ({ caller, params }) => reply(200, whole(await messages.cancel(caller, params.id))),
    }),
  ]
}
