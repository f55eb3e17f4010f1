import { AppError, invalid } from '../errors.ts'
import { normaliseEmail, normalisePhone } from '../lead/addresses.ts'
import type { Messages } from '../operations.ts'
import type { Stores } from '../store/stores.ts'
import type { Commits } from './commit.ts'
import { isOpen } from './lifecycle.ts'
import type { Channel, Message } from './message.ts'
import type { Receipts } from './receipts.ts'
import type { Recipient } from './store.ts'

export interface MessagesParts {
  stores: Stores
  commits: Commits
  accept: Messages['accept']
  receipts: Pick<Receipts, 'report'>
}

const batchSize = 200

export type CancelOpen = (workspaceId: string, recipient: Recipient, why: string, channels?: readonly Channel[] | null) => Promise<string[]>

/** Cancels everything of a recipient that can still be stopped. What was found in flight by then is not in the answer. */
export function createCancelOpen({ stores, commits }: Pick<MessagesParts, 'stores' | 'commits'>): CancelOpen {
  return async (workspaceId, recipient, why, channels = null) => {
    const cancelled: string[] = []
    for (;;) {
      const open = await stores.messages.open(workspaceId, recipient, batchSize)
      const meant = open.filter((message) => channels === null || channels.includes(message.messageType))
      const results = await Promise.all(
        meant.map((message) => commits.change(workspaceId, message.id, (current) => (isOpen(current.status) ? { type: 'cancelled', why } : null))),
      )
      const before = cancelled.length
      for (const result of results) if (result?.changed) cancelled.push(result.message.id)
      // Messages of other channels stay open: a page that brought nothing is the last one.
      if (open.length < batchSize || cancelled.length === before) return cancelled
    }
  }
}

export function createMessages({ stores, commits, accept, receipts }: MessagesParts): Messages {
  const cancelOpen = createCancelOpen({ stores, commits })

  async function get(workspaceId: string, id: string): Promise<Message> {
    const message = await stores.messages.get(workspaceId, id)
    if (message === null) throw new AppError('MESSAGE_NOT_FOUND', 'there is no such message')
    return message
  }

  return {
    accept,
    get,
    find: (workspaceId, filter, page) => stores.messages.find(workspaceId, filter, page),
    report: (report) => receipts.report(report),
    async cancel(caller, id) {
      await get(caller.workspaceId, id)
      const result = await commits.change(caller.workspaceId, id, (message) =>
        isOpen(message.status) ? { type: 'cancelled', why: `cancelled by ${caller.actor}` } : null,
      )
      const message = result?.message ?? (await get(caller.workspaceId, id))
      if (message.status !== 'cancelled')
        throw new AppError('NOT_CANCELLABLE', `the message is ${message.status}`, { extra: { status: message.status } })
      return message
    },
    async cancelFor(caller, who, why) {
      const workspace = await stores.workspaces.get(caller.workspaceId)
      const code = workspace?.defaultCountryCode ?? '+1'
      const recipient = recipientOf(who, code)
      if ('leadId' in recipient && (await stores.leads.get(caller.workspaceId, recipient.leadId)) === null)
        throw new AppError('LEAD_NOT_FOUND', 'there is no such lead')
      const messageIds = await cancelOpen(caller.workspaceId, recipient, why ?? `cancelled by ${caller.actor}`)
      return { cancelledCount: messageIds.length, messageIds }
    },
  }
}

function recipientOf(who: Parameters<Messages['cancelFor']>[1], code: string): Recipient {
  if (who.leadId) return { leadId: who.leadId }
  if (who.recipientPhone) {
    const phone = normalisePhone(who.recipientPhone, code)
    if (!phone.ok) throw invalid('recipientPhone', phone.why)
    return { address: phone.value }
  }
  if (who.recipientEmail) {
    const email = normaliseEmail(who.recipientEmail)
    if (!email.ok) throw invalid('recipientEmail', email.why)
    return { address: email.value }
  }
  throw new AppError('NO_RECIPIENT', 'give leadId, recipientPhone or recipientEmail', {
    issues: [{ path: 'leadId', message: 'no recipient was given' }],
  })
}
