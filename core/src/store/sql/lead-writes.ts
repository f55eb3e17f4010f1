import type { Kysely } from 'kysely'
import { addressesOf, type Lead } from '../../lead/lead.ts'
import type { LeadStore, Taken } from '../../lead/store.ts'
import { createWrites, idOf } from './collection.ts'
import { type Columns, createGuard, key, type Row } from './columns.ts'
import { leadCodec } from './lead-codec.ts'
import { type Database, schema } from './schema.ts'
import { createStatement, createVerb, type Sql } from './sql.ts'

type Place = Database['lead_addresses']
/** A lead on its way into the tables; `places` are its addresses as columns, beside what they were. */
interface Entry {
  readonly row: Database['leads']
  readonly places: readonly (Place & { readonly clear: string })[]
}

/** Rolls the whole transaction back: an address of one of its leads is another lead's. */
class AddressTaken extends Error {
  readonly taken: readonly Taken[]
  constructor(taken: readonly Taken[]) {
    super('an address belongs to another lead')
    this.taken = taken
  }
}

const address = { workspace_id: 'text', address: 'text' } as const satisfies Columns
const owner = { workspace_id: 'text', lead_id: 'text' } as const satisfies Columns
const guard = createGuard(schema.leads)
const placeOf = (place: Pick<Place, 'workspace_id' | 'address'>): string => JSON.stringify([place.workspace_id, place.address])
const inOrder = <P extends Place>(places: readonly P[]): P[] => places.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))

function toEntry(lead: Lead): Entry {
  const row = guard({ ...leadCodec.toRow(lead), external_id: lead.externalId })
  const places = addressesOf(lead).map((clear) => ({ workspace_id: row.workspace_id, address: key(clear), lead_id: row.id, clear }))
  return { row, places }
}

// Leads that want one address never share a batch: within one, nobody loses to a lead that loses itself.
const keysOf = ({ row, places }: Entry): string[] => [idOf(row), ...places.map(placeOf)]

/** A lead and its addresses are one write. Batches are transactions; each lead in them has its own outcome. */
export function createLeadWrites(sql: Sql): Pick<LeadStore, 'insert' | 'commit'> {
  const writes = createWrites(sql, 'leads')
  const take = createStatement<typeof schema.lead_addresses, Row<typeof address>>(
    sql,
    schema.lead_addresses,
    (v) =>
      `insert into lead_addresses (workspace_id, address, lead_id) select v.workspace_id, v.address, v.lead_id from ${v} where true
       on conflict do nothing returning workspace_id, address`,
  )
  const release = createStatement<typeof schema.lead_addresses, never>(
    sql,
    schema.lead_addresses,
    (v) => `delete from lead_addresses where (workspace_id, address, lead_id) in (select v.workspace_id, v.address, v.lead_id from ${v})`,
  )
  const ownersOf = createStatement<typeof address, Place>(
    sql,
    address,
    (v) =>
      `select a.workspace_id, a.address, a.lead_id from ${v} cross join lead_addresses a where a.workspace_id = v.workspace_id and a.address = v.address`,
  )
  const placesOf = createStatement<typeof owner, Place>(
    sql,
    owner,
    (v) =>
      `select a.workspace_id, a.address, a.lead_id from ${v} cross join lead_addresses a where a.workspace_id = v.workspace_id and a.lead_id = v.lead_id`,
  )
  const forget = createStatement<typeof owner, never>(
    sql,
    owner,
    (v) => `delete from leads where (workspace_id, id) in (select v.workspace_id, v.lead_id from ${v})`,
  )

  /** Takes what is free; answers with what is not. */
  async function takeAll(places: readonly Place[], trx: Kysely<Database>): Promise<Set<string>> {
    if (places.length === 0) return new Set()
    const taken = new Set((await take(inOrder(places), trx)).map(placeOf))
    return new Set(places.map(placeOf).filter((place) => !taken.has(place)))
  }

  async function takenBy(places: Entry['places'], trx: Kysely<Database>): Promise<Map<string, Taken>> {
    const clear = new Map(places.map((place) => [placeOf(place), place.clear]))
    const owners = await ownersOf(places, trx)
    return new Map(owners.map((one) => [placeOf(one), { address: clear.get(placeOf(one)) ?? one.address, leadId: one.lead_id }]))
  }

  type Inserted = Awaited<ReturnType<LeadStore['insert']>>
  const insert = createVerb<Entry, Inserted | null>(sql, {
    keysOf,
    sizeOf: ({ places }) => 1 + places.length,
    run: (entries) =>
      sql.db.transaction().execute(async (trx) => {
        const made = await writes.insert(
          entries.map((entry) => entry.row),
          trx,
        )
        const news = entries.filter((entry) => made.has(idOf(entry.row)))
        const refused = await takeAll(
          news.flatMap((entry) => entry.places),
          trx,
        )
        const losers = news.filter((entry) => entry.places.some((place) => refused.has(placeOf(place))))
        let takers = new Map<string, Taken>()
        if (losers.length > 0) {
          const places = losers.flatMap((entry) => entry.places)
          await forget(
            losers.map((entry) => ({ workspace_id: entry.row.workspace_id, lead_id: entry.row.id })),
            trx,
          )
          await release(places, trx)
          takers = await takenBy(places, trx)
        }
        return entries.map((entry) => {
          if (!made.has(idOf(entry.row))) return { ok: false, taken: [] }
          if (!losers.includes(entry)) return { ok: true }
          const taken = entry.places.flatMap((place) => takers.get(placeOf(place)) ?? [])
          return taken.length > 0 ? { ok: false, taken } : null
        })
      }),
  })

  type Committed = Awaited<ReturnType<LeadStore['commit']>>
  const commitAll = (entries: readonly Entry[]): Promise<Committed[]> =>
    sql.db.transaction().execute(async (trx) => {
      const done = await writes.commit(
        entries.map((entry) => entry.row),
        trx,
      )
      const kept = entries.filter((entry) => done.has(idOf(entry.row)))
      const wanted = kept.flatMap((entry) => entry.places)
      const had =
        kept.length === 0
          ? []
          : await placesOf(
              kept.map(({ row }) => ({ workspace_id: row.workspace_id, lead_id: row.id })),
              trx,
            )
      const owned = (place: Place): string => JSON.stringify([place.workspace_id, place.address, place.lead_id])
      const hadSet = new Set(had.map(owned))
      const wantedSet = new Set(wanted.map(owned))
      const dropped = had.filter((place) => !wantedSet.has(owned(place)))
      if (dropped.length > 0) await release(inOrder(dropped), trx)
      const added = wanted.filter((place) => !hadSet.has(owned(place)))
      const refused = await takeAll(added, trx)
      if (refused.size > 0)
        throw new AddressTaken([
          ...(
            await takenBy(
              added.filter((place) => refused.has(placeOf(place))),
              trx,
            )
          ).values(),
        ])
      return entries.map((entry) => (done.has(idOf(entry.row)) ? { ok: true } : { ok: false, why: 'conflict' }))
    })
  const commit = createVerb<Entry, Committed>(sql, {
    keysOf,
    sizeOf: ({ places }) => 1 + places.length,
    splits: (error) => error instanceof AddressTaken || sql.dialect.splits(error),
    async run(entries) {
      try {
        return await commitAll(entries)
      } catch (error) {
        if (error instanceof AddressTaken && entries.length === 1) return [{ ok: false, why: 'taken', taken: [...error.taken] }]
        throw error
      }
    },
  })

  return {
    async insert(lead) {
      const entry = toEntry(lead)
      for (;;) {
        const outcome = await insert(entry)
        // Null: the address was given free between losing it and looking who has it.
        if (outcome !== null) return outcome
      }
    },
    commit: async (lead) => commit(toEntry(lead)),
  }
}
