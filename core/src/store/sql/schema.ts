import type { Columns, Row } from './columns.ts'

const base = { workspace_id: 'text', id: 'text', created_at: 'int', doc: 'json' } as const satisfies Columns
const versioned = { ...base, version: 'int' } as const satisfies Columns
const aggregate = { ...versioned, outbox: 'json?', outbox_at: 'int?' } as const satisfies Columns

/** Every table: the document, and the columns it is found by. Migrations make them; this is what the code sees. */
export const schema = {
  messages: {
    ...aggregate,
    status: 'text',
    /** 1 while it waits (`queued`, `pending`), 2 while it is `sending`, null once it has ended. */
    open: 'int?',
    due_at: 'int?',
    /** 0 high, 1 normal. */
    priority: 'int',
    line_id: 'text?',
    lead_id: 'text?',
    campaign_id: 'text?',
    batch_id: 'text?',
    address: 'text?',
    recipient_phone: 'text?',
    recipient_email: 'text?',
    external_id: 'text?',
    attempt_id: 'text?',
    /** When it was handed over; null when it never was. */
    handed_at: 'int?',
    /** `sendAt` of what is `pending` at normal priority: what a priority message may push back. */
    slot_at: 'int?',
  },
  parked_receipts: { workspace_id: 'text', line_id: 'text', external_id: 'text', digest: 'text', parked_at: 'int', doc: 'json' },
  lines: { ...aggregate, channel: 'text', is_active: 'int' },
  ledgers: { workspace_id: 'text', line_id: 'text', version: 'int', doc: 'json' },
  paces: { workspace_id: 'text', device_key: 'text', version: 'int', doc: 'json' },
  leads: { ...aggregate, external_id: 'text?' },
  lead_addresses: { workspace_id: 'text', address: 'text', lead_id: 'text' },
  lead_lists: { ...base, name: 'text' },
  /** With the lead's age, so that a page of a list is read in its order, however long the list is. */
  list_members: { workspace_id: 'text', list_id: 'text', lead_id: 'text', lead_created_at: 'int' },
  dnc: { ...base, address_hash: 'text?', lead_id: 'text?', same: 'text' },
  availability: { workspace_id: 'text', address: 'text', checked_at: 'int', expires_at: 'int', doc: 'json' },
  replies: {
    ...versioned,
    sender: 'text',
    line_id: 'text?',
    lead_id: 'text?',
    campaign_id: 'text?',
    message_id: 'text?',
    /** Line and vendor id; null when the vendor gave none. */
    vendor_key: 'text?',
    content_key: 'text',
    at: 'int',
    unannounced_at: 'int?',
  },
  deliveries: { ...versioned, consumer: 'text', event: 'text', status: 'text', lead_id: 'text?', due_at: 'int?' },
  webhooks: aggregate,
  workspaces: { ...aggregate, external_id: 'text?' },
  api_keys: { ...versioned, hash: 'text' },
  audit: base,
  jobs: { ...versioned, due_at: 'int?' },
  idempotency: {
    workspace_id: 'text',
    key: 'text',
    body_hash: 'text',
    resource_id: 'text',
    /** JSON of the answer; null while the request runs. */
    answer: 'json?',
    claimed_at: 'int',
    /** How long the last claim lets another one run before it takes over. */
    patience_ms: 'int',
    expires_at: 'int',
  },
} as const satisfies Record<string, Columns>

export type Database = { [T in keyof typeof schema]: Row<(typeof schema)[T]> }
export type TableName = keyof Database
