import type { Message } from '../message/message.ts'

/** A queued iMessage with nothing special about it, but for `over`. */
export function messageFixture(over: Partial<Message>): Message {
  const at = new Date('2026-11-22T09:00:00Z')
  return {
    id: 'msg_1', workspaceId: 'ws_1', version: 1, seq: 0, outbox: [], message: 'Hello', messageType: 'imessage', subject: null, attachmentUrls: [], status: 'queued', hold: null,
    failure: null, reason: null, checkedAddresses: [], fromLineId: null, linePinned: false, recipientPhone: '+15005550001', recipientEmail: null, recipientName: null,
    addresses: ['+15005550001'], address: null, leadId: 'lead_1', campaignId: null, stepIndex: null, batchId: null, scheduledDate: null, window: null, priority: 'normal',
    sendAt: null, sentAt: null, deliveredAt: null, readAt: null, failedAt: null, externalMessageId: null, fallback: null, fallbackOf: null, duplicateDelivery: false,
    sendFallbackSmsOnFailed: null, metadata: null, ghlContactId: null, ghlLocationId: null, hsContactId: null, hsPortalId: null, contactOwnerEmail: null,
    history: [{ status: over.status ?? 'queued', at, why: 'accepted' }], attempt: null, unavailableCount: 0, reservation: null, dueAt: at, correlationId: null, createdAt: at, updatedAt: at, ...over,
  }
}
