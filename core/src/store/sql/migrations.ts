import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'
import type { Dialect } from './sql.ts'

interface Step {
  readonly id: number
  readonly name: string
  /** `$text` and `$int` become the engine's types. */
  readonly statements: readonly string[]
}

const base = 'workspace_id $text not null, id $text not null, created_at $int not null'
const versioned = `${base}, version $int not null`
const aggregate = `${versioned}, outbox_at $int`
const identity = 'primary key (workspace_id, id)'

/** Steps are history: never edited once released, only added to. Tenant first in every index but those of the system-wide sweeps. */
const steps: readonly Step[] = [
  {
    id: 1,
    name: 'first tables',
    statements: [
      `create table messages (${aggregate}, status $text not null, open $int, due_at $int, priority $int not null, line_id $text, lead_id $text,
        campaign_id $text, batch_id $text, address $text, recipient_phone $text, recipient_email $text, external_id $text, attempt_id $text,
        handed_at $int, slot_at $int, outbox text, doc text not null, primary key (id))`,
      'create index messages_due on messages (due_at, priority, id) where due_at is not null',
      'create index messages_outbox on messages (outbox_at, id) where outbox_at is not null',
      'create index messages_newest on messages (workspace_id, created_at, id)',
      'create index messages_status on messages (workspace_id, status, created_at, id)',
      'create index messages_line on messages (workspace_id, line_id, created_at, id) where line_id is not null',
      'create index messages_lead on messages (workspace_id, lead_id, created_at, id) where lead_id is not null',
      'create index messages_campaign on messages (workspace_id, campaign_id, created_at, id) where campaign_id is not null',
      'create index messages_batch on messages (workspace_id, batch_id, created_at, id) where batch_id is not null',
      'create index messages_handed on messages (workspace_id, address, handed_at) where handed_at is not null',
      'create index messages_open_address on messages (workspace_id, address) where open is not null and address is not null',
      'create index messages_open_phone on messages (workspace_id, recipient_phone) where open is not null and recipient_phone is not null',
      'create index messages_open_email on messages (workspace_id, recipient_email) where open is not null and recipient_email is not null',
      'create index messages_open_line on messages (workspace_id, line_id, id) where open is not null and line_id is not null',
      'create index messages_slot on messages (workspace_id, line_id, slot_at, id) where slot_at is not null',
      // Not by workspace first: a bridge may report by its own id alone.
      'create index messages_external on messages (external_id) where external_id is not null',
      'create index messages_attempt on messages (workspace_id, attempt_id) where attempt_id is not null',
      `create table parked_receipts (workspace_id $text not null, line_id $text not null, external_id $text not null, digest $text not null,
        parked_at $int not null, doc text not null, primary key (workspace_id, line_id, external_id, digest))`,
      'create index parked_receipts_age on parked_receipts (parked_at)',

      `create table lines (${aggregate}, channel $text not null, is_active $int not null, outbox text, doc text not null, ${identity})`,
      'create index lines_outbox on lines (outbox_at, id) where outbox_at is not null',
      'create index lines_hook on lines (id)',
      `create table ledgers (workspace_id $text not null, line_id $text not null, version $int not null, doc text not null,
        primary key (workspace_id, line_id))`,
      `create table paces (workspace_id $text not null, device_key $text not null, version $int not null, doc text not null,
        primary key (workspace_id, device_key))`,

      `create table leads (${aggregate}, external_id $text, outbox text, doc text not null, ${identity})`,
      'create index leads_outbox on leads (outbox_at, id) where outbox_at is not null',
      'create index leads_newest on leads (workspace_id, created_at, id)',
      'create index leads_external on leads (workspace_id, external_id, created_at, id) where external_id is not null',
      `create table lead_addresses (workspace_id $text not null, address $text not null, lead_id $text not null,
        primary key (workspace_id, address))`,
      'create index lead_addresses_lead on lead_addresses (workspace_id, lead_id)',
      `create table lead_lists (${base}, name $text not null, doc text not null, ${identity})`,
      'create unique index lead_lists_name on lead_lists (workspace_id, name)',
      `create table list_members (workspace_id $text not null, list_id $text not null, lead_id $text not null,
        lead_created_at $int not null, primary key (workspace_id, list_id, lead_id))`,
      'create index list_members_newest on list_members (workspace_id, list_id, lead_created_at, lead_id)',
      'create index list_members_lead on list_members (workspace_id, lead_id)',

      `create table dnc (${base}, address_hash $text, lead_id $text, same $text not null, doc text not null, ${identity})`,
      'create unique index dnc_same on dnc (workspace_id, same)',
      'create index dnc_newest on dnc (workspace_id, created_at, id)',
      'create index dnc_hash on dnc (workspace_id, address_hash) where address_hash is not null',
      'create index dnc_lead on dnc (workspace_id, lead_id) where lead_id is not null',

      `create table availability (workspace_id $text not null, address $text not null, checked_at $int not null, expires_at $int not null,
        doc text not null, primary key (workspace_id, address))`,
      'create index availability_expiry on availability (expires_at)',

      `create table replies (${versioned}, sender $text not null, line_id $text, lead_id $text, campaign_id $text, message_id $text,
        vendor_key $text, content_key $text not null, at $int not null, unannounced_at $int, doc text not null, ${identity})`,
      'create unique index replies_vendor on replies (workspace_id, vendor_key) where vendor_key is not null',
      'create index replies_content on replies (workspace_id, content_key, at)',
      'create index replies_newest on replies (workspace_id, created_at, id)',
      'create index replies_sender on replies (workspace_id, sender, at)',
      'create index replies_lead on replies (workspace_id, lead_id, created_at, id) where lead_id is not null',
      'create index replies_line on replies (workspace_id, line_id, created_at, id) where line_id is not null',
      'create index replies_campaign on replies (workspace_id, campaign_id, created_at, id) where campaign_id is not null',
      'create index replies_message on replies (workspace_id, message_id, created_at, id) where message_id is not null',
      'create index replies_unannounced on replies (unannounced_at, id) where unannounced_at is not null',

      `create table deliveries (${versioned}, consumer $text not null, event $text not null, status $text not null, lead_id $text, due_at $int,
        doc text not null, ${identity})`,
      'create index deliveries_due on deliveries (due_at, id) where due_at is not null',
      'create index deliveries_settled on deliveries (created_at, id) where due_at is null',
      'create index deliveries_newest on deliveries (workspace_id, consumer, created_at, id)',
      'create index deliveries_lead on deliveries (workspace_id, lead_id) where lead_id is not null',

      `create table webhooks (${aggregate}, outbox text, doc text not null, ${identity})`,
      'create index webhooks_outbox on webhooks (outbox_at, id) where outbox_at is not null',
      `create table workspaces (${aggregate}, external_id $text, outbox text, doc text not null, ${identity})`,
      'create unique index workspaces_external on workspaces (external_id) where external_id is not null',
      'create index workspaces_newest on workspaces (created_at, id)',
      'create index workspaces_outbox on workspaces (outbox_at, id) where outbox_at is not null',
      `create table api_keys (${versioned}, hash $text not null, doc text not null, ${identity})`,
      'create unique index api_keys_hash on api_keys (hash)',
      `create table audit (${base}, doc text not null, ${identity})`,
      'create index audit_newest on audit (workspace_id, created_at, id)',
      `create table jobs (${versioned}, due_at $int, doc text not null, ${identity})`,
      'create index jobs_due on jobs (due_at, id) where due_at is not null',
      `create table idempotency (workspace_id $text not null, key $text not null, body_hash $text not null, resource_id $text not null,
        answer text, claimed_at $int not null, patience_ms $int not null, expires_at $int not null, primary key (workspace_id, key))`,
      'create index idempotency_expiry on idempotency (expires_at)',
    ],
  },
]

// Bytewise order on both engines: ids and cursors sort the same whatever the server's locale is.
const types = { sqlite: { text: 'text', int: 'integer' }, postgres: { text: 'text collate "C"', int: 'bigint' } } as const

/** Brings the database to the newest step. Several processes may start at once: one migrates, the others wait and find it done. */
export async function migrate(db: Kysely<Database>, dialect: Dialect): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await dialect.lock(trx, 'trunkline migrations')
    await sql`create table if not exists trunkline_steps (id integer primary key, name text not null)`.execute(trx)
    const { rows } = await sql<{ id: number }>`select id from trunkline_steps`.execute(trx)
    const done = new Set(rows.map((row) => row.id))
    const { text, int } = types[dialect.name]
    for (const step of steps) {
      if (done.has(step.id)) continue
      for (const statement of step.statements) {
        await sql.raw(statement.replaceAll('$text', text).replaceAll('$int', int)).execute(trx)
      }
      await sql`insert into trunkline_steps (id, name) values (${step.id}, ${step.name})`.execute(trx)
    }
  })
}
