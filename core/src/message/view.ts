import type { CheckedAddress, Message } from './message.ts'

export interface CheckedAddressView {
  address: string
  available: boolean | null
  checkedAt: string
  source: string
}

/** A message as the API and the webhooks show it (api.md §3): dates as ISO strings, nothing of how the engine keeps it. */
export type MessageView = ReturnType<typeof messageView>

const iso = (date: Date | null): string | null => date?.toISOString() ?? null

export function checkedAddressView({ address, available, checkedAt, source }: CheckedAddress): CheckedAddressView {
  return { address, available, checkedAt: checkedAt.toISOString(), source }
}

export function messageView(message: Message) {
  return {
    id: message.id,
    workspaceId: message.workspaceId,
    message: message.message,
    messageType: message.messageType,
    subject: message.subject,
    attachmentUrls: message.attachmentUrls,
    status: message.status,
    hold: message.hold && { reason: message.hold.reason, until: iso(message.hold.until), detail: message.hold.detail },
    failure: message.failure,
    reason: message.reason,
    checkedAddresses: message.checkedAddresses.map(checkedAddressView),
    fromLineId: message.fromLineId,
    recipientPhone: message.recipientPhone,
    recipientEmail: message.recipientEmail,
    recipientName: message.recipientName,
    leadId: message.leadId,
    campaignId: message.campaignId,
    stepIndex: message.stepIndex,
    batchId: message.batchId,
    scheduledDate: iso(message.scheduledDate),
    timezone: message.window?.timezone ?? null,
    sendWindowStart: message.window?.start ?? null,
    sendWindowEnd: message.window?.end ?? null,
    allowedDaysOfWeek: message.window?.days ?? null,
    priority: message.priority,
    sendAt: iso(message.sendAt),
    sentAt: iso(message.sentAt),
    deliveredAt: iso(message.deliveredAt),
    readAt: iso(message.readAt),
    failedAt: iso(message.failedAt),
    externalMessageId: message.externalMessageId,
    fallback: message.fallback,
    fallbackOf: message.fallbackOf,
    duplicateDelivery: message.duplicateDelivery,
    sendFallbackSmsOnFailed: message.sendFallbackSmsOnFailed,
    metadata: message.metadata,
    ghlContactId: message.ghlContactId,
    ghlLocationId: message.ghlLocationId,
    hsContactId: message.hsContactId,
    hsPortalId: message.hsPortalId,
    contactOwnerEmail: message.contactOwnerEmail,
    history: message.history.map(({ status, at, why }) => ({ status, at: at.toISOString(), why })),
    createdAt: message.createdAt.toISOString(),
    updatedAt: message.updatedAt.toISOString(),
  }
}
