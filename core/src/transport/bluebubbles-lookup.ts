import { z } from 'zod'
import type { BlueBubblesClient, Call } from './bluebubbles-client.ts'
import { type BridgeMessage, bridgeMessage, describeStatus, plain, statusDateOf, statusOf } from './bluebubbles-message.ts'
import type { LookupRequest, LookupResult } from './transport.ts'

/** The Mac's clock and ours differ, and iMessage dates its rows loosely: the server itself looks back this far (messageInterface.ts). */
const skewMs = 10_000
const pageSize = 100

/**
 * Looks for a message the bridge may have sent: by guid when it is known, else among what went to that address since the hand-over,
 * the first with the same text that no other message has claimed.
 */
export async function lookUp(client: BlueBubblesClient, request: LookupRequest, signal: AbortSignal): Promise<LookupResult> {
  if (request.externalId !== null) {
    const call = await client.call({ method: 'GET', path: `/message/${encodeURIComponent(request.externalId)}` }, signal)
    const message = bridgeMessage.safeParse(dataOf(call))
    if (message.success) return found(message.data)
    if (!isAnswer(call, 404)) return { type: 'unavailable', why: failure(call) }
  }

  // Newer macOS files one-to-one chats under `any`; asking for a chat that is not there answers an empty list.
  for (const service of ['iMessage', 'any']) {
    const call = await client.call(
      {
        method: 'POST',
        path: '/message/query',
        json: { chatGuid: `${service};-;${request.address}`, after: Math.max(0, request.since.getTime() - skewMs), limit: pageSize, sort: 'ASC' },
      },
      signal,
    )
    const rows = z.array(z.unknown()).safeParse(dataOf(call))
    if (!rows.success) return { type: 'unavailable', why: failure(call) }
    for (const row of rows.data) {
      const message = bridgeMessage.safeParse(row)
      if (message.success && isCandidate(message.data, request) && !(await request.isTaken(message.data.guid))) return found(message.data)
    }
  }
  return { type: 'missing' }
}

function isCandidate(message: BridgeMessage, { text, since }: LookupRequest): boolean {
  const recent = message.dateCreated == null || message.dateCreated >= since.getTime() - skewMs
  return message.isFromMe === true && !message.associatedMessageGuid && !message.itemType && recent && plain(message.text) === plain(text)
}

function found(message: BridgeMessage): LookupResult {
  return { type: 'found', externalId: message.guid, status: statusOf(message), at: statusDateOf(message), detail: describeStatus(message) }
}

function isAnswer(call: Call, status: number): boolean {
  return call.type === 'answer' && call.status === status && call.body !== null
}

function dataOf(call: Call): unknown {
  return call.type === 'answer' && call.status === 200 ? call.body?.data : undefined
}

/** Why a call that only asks brought no answer. */
export function failure(call: Call): string {
  if (call.type !== 'answer') return call.why
  if (call.status === 401 || call.status === 403) return 'the bridge refuses the password'
  return `the bridge answered ${call.status}${call.body?.why ? `: ${call.body.why}` : ''}`
}
