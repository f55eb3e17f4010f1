import type { Reply } from '@trunkline/core'

export function replyView(reply: Reply) {
  return {
    id: reply.id,
    text: reply.text,
    from: reply.from,
    to: reply.to,
    channel: reply.channel,
    lineId: reply.lineId,
    leadId: reply.leadId,
    campaignId: reply.campaignId,
    messageId: reply.messageId,
    keyword: reply.keyword,
    attachments: reply.attachments.map(({ name, mimeType }) => ({ name, mimeType })),
    at: reply.at.toISOString(),
    createdAt: reply.createdAt.toISOString(),
  }
}
