import type { LeadList } from '../../lead/lead.ts'
import type { LeadStore } from '../../lead/store.ts'
import { createReader } from './codec.ts'
import { type Columns, key, type Row } from './columns.ts'
import { createLookup, createStatement, createVerb, type Sql } from './sql.ts'

type Lists = Pick<LeadStore, 'insertList' | 'getList' | 'listNamed' | 'lists' | 'removeList' | 'addToList' | 'leadIdsOf'>
const member = { workspace_id: 'text', list_id: 'text', lead_id: 'text' } as const satisfies Columns
type Member = Row<typeof member>
const memberOf = (row: Member): string => JSON.stringify([row.workspace_id, row.list_id, row.lead_id])

export function createLeadLists(sql: Sql): Lists {
  const { db } = sql
  const read = createReader<LeadList>({ createdAt: true })
  const named = createLookup<{ workspace_id: 'text'; name: 'text' }, { doc: string }>(
    sql,
    { workspace_id: 'text', name: 'text' },
    (v) => `select v.n, t.doc from ${v} cross join lead_lists t where t.workspace_id = v.workspace_id and t.name = v.name`,
  )
  // Only what is there joins: a list or a lead that was removed meanwhile leaves no place behind.
  const addRows = createStatement<typeof member, Member>(
    sql,
    member,
    (v) =>
      `insert into list_members (workspace_id, list_id, lead_id, lead_created_at) select v.workspace_id, v.list_id, v.lead_id, p.created_at
       from ${v} cross join leads p where p.workspace_id = v.workspace_id and p.id = v.lead_id
         and exists (select 1 from lead_lists l where l.workspace_id = v.workspace_id and l.id = v.list_id)
       on conflict do nothing returning workspace_id, list_id, lead_id`,
  )
  const add = createVerb<readonly Member[], number>(sql, {
    keysOf: (rows) => rows.map(memberOf),
    sizeOf: (rows) => rows.length,
    run: async (calls) => {
      const rows = calls.flat().sort((a, b) => (memberOf(a) < memberOf(b) ? -1 : 1))
      const added = new Set((await addRows(rows)).map(memberOf))
      return calls.map((call) => call.filter((row) => added.has(memberOf(row))).length)
    },
  })

  async function insertList(list: LeadList): Promise<boolean> {
    const inserted = await db
      .insertInto('lead_lists')
      .values({
        workspace_id: key(list.workspaceId),
        id: key(list.id),
        created_at: list.createdAt.getTime(),
        name: key(list.name),
        doc: JSON.stringify(list),
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    return inserted.numInsertedOrUpdatedRows === 1n
  }

  return {
    insertList,

    async getList(workspaceId, id) {
      const row = await db
        .selectFrom('lead_lists')
        .select('doc')
        .where('workspace_id', '=', key(workspaceId))
        .where('id', '=', key(id))
        .executeTakeFirst()
      return row ? read(row.doc) : null
    },

    async listNamed(list) {
      for (;;) {
        const [there] = await named([{ workspace_id: list.workspaceId, name: list.name }])
        if (there !== undefined) return read(there.doc)
        if (await insertList(list)) return list
      }
    },

    async lists(workspaceId) {
      const rows = await db
        .selectFrom('lead_lists')
        .select((eb) => [
          'doc',
          eb
            .selectFrom('list_members')
            .select(({ fn }) => fn.countAll<number>().as('count'))
            .whereRef('list_members.workspace_id', '=', 'lead_lists.workspace_id')
            .whereRef('list_members.list_id', '=', 'lead_lists.id')
            .as('count'),
        ])
        .where('workspace_id', '=', key(workspaceId))
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map((row) => ({ ...read(row.doc), leadCount: row.count ?? 0 }))
    },

    async removeList(workspaceId, id) {
      return db.transaction().execute(async (trx) => {
        const removed = await trx.deleteFrom('lead_lists').where('workspace_id', '=', key(workspaceId)).where('id', '=', key(id)).executeTakeFirst()
        await trx.deleteFrom('list_members').where('workspace_id', '=', key(workspaceId)).where('list_id', '=', key(id)).execute()
        return removed.numDeletedRows > 0n
      })
    },

    async addToList(workspaceId, listId, leadIds) {
      if (leadIds.length === 0) return 0
      return add([...new Set(leadIds)].map((leadId) => ({ workspace_id: key(workspaceId), list_id: key(listId), lead_id: key(leadId) })))
    },

    async leadIdsOf(workspaceId, listId, afterId, limit) {
      let query = db.selectFrom('list_members').select('lead_id').where('workspace_id', '=', key(workspaceId)).where('list_id', '=', key(listId))
      if (afterId !== null) query = query.where('lead_id', '>', key(afterId))
      return (await query.orderBy('lead_id').limit(limit).execute()).map((row) => row.lead_id)
    },
  }
}
