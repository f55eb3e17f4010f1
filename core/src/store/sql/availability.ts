import type { Answer, AvailabilityStore } from '../../availability/store.ts'
import { createReader } from './codec.ts'
import { key, type Row } from './columns.ts'
import { schema } from './schema.ts'
import { createLookup, createStatement, createVerb, type Sql } from './sql.ts'

const identity = { workspace_id: 'text', address: 'text' } as const
type AnswerRow = Row<typeof schema.availability>
const nameOf = (row: AnswerRow): string => JSON.stringify([row.workspace_id, row.address])

export function createAvailabilityStore(sql: Sql): AvailabilityStore {
  const { db } = sql
  const read = createReader<Answer>({ checkedAt: true, expiresAt: true })
  const lookup = createLookup<typeof identity, { doc: string }>(
    sql,
    identity,
    (v) => `select v.n, t.doc from ${v} cross join availability t where t.workspace_id = v.workspace_id and t.address = v.address`,
  )
  const write = createStatement<typeof schema.availability, never>(
    sql,
    schema.availability,
    (v) =>
      `insert into availability (workspace_id, address, checked_at, expires_at, doc)
       select v.workspace_id, v.address, v.checked_at, v.expires_at, v.doc from ${v} where true
       on conflict (workspace_id, address) do update
       set checked_at = excluded.checked_at, expires_at = excluded.expires_at, doc = excluded.doc
       where availability.checked_at < excluded.checked_at`,
  )
  const put = createVerb<AnswerRow, null>(sql, {
    keysOf: (row) => [nameOf(row)],
    run: async (rows) => {
      await write(rows.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)))
      return rows.map(() => null)
    },
  })

  return {
    async get(workspaceId, addresses) {
      const rows = await lookup([...new Set(addresses)].map((address) => ({ workspace_id: workspaceId, address })))
      return rows.map((row) => read(row.doc))
    },

    async put(workspaceId, answer) {
      await put({
        workspace_id: key(workspaceId),
        address: key(answer.address),
        checked_at: answer.checkedAt.getTime(),
        expires_at: answer.expiresAt.getTime(),
        doc: JSON.stringify(answer),
      })
    },

    async remove(workspaceId, addresses) {
      if (addresses.length === 0) return
      await db.deleteFrom('availability').where('workspace_id', '=', key(workspaceId)).where('address', 'in', addresses.map(key)).execute()
    },

    async prune(expiredBefore) {
      await db.deleteFrom('availability').where('expires_at', '<', expiredBefore.getTime()).execute()
    },
  }
}
