/** A message somebody sent to one of our lines. */
export interface Reply {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  readonly text: string
  readonly from: string
  readonly to: string | null
  readonly channel: 'imessage' | 'sms' | 'email'
  readonly lineId: string | null
  readonly leadId: string | null
  readonly campaignId: string | null
  /** The outbound message it answers. */
  readonly messageId: string | null
  readonly externalId: string | null
  /** The keyword it was, when it was one. */
  readonly keyword: 'stop' | 'start' | null
  readonly attachments: readonly { name: string | null; mimeType: string | null }[]
  readonly at: Date
  /** False until its consequences (opt-out, event) are written. */
  readonly announced: boolean
  readonly createdAt: Date
}
