import type { Claim, IdempotencyStore, StoredAnswer } from '../../workspace/store.ts'
import { type Columns, createGuard, key, type Row } from './columns.ts'
import { createStatement, createVerb, type Sql } from './sql.ts'

const identity = { workspace_id: 'text', key: 'text' } as const satisfies Columns
const columns = {
  ...identity,
  body_hash: 'text',
  resource_id: 'text',
  claimed_at: 'int',
  patience_ms: 'int',
  expires_at: 'int',
} as const satisfies Columns
const finished = { ...identity, answer: 'json' } as const satisfies Columns

type Asked = Row<typeof columns>
type Found = { workspace_id: string; key: string; body_hash: string; answer: string | null }
const nameOf = (row: { workspace_id: string; key: string }): string => JSON.stringify([row.workspace_id, row.key])
const inOrder = <R extends { workspace_id: string; key: string }>(rows: Iterable<R>): R[] =>
  [...rows].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))

export function createIdempotencyStore(sql: Sql): IdempotencyStore {
  const { db } = sql
  const guard = createGuard(columns)

  // Won by: no row, an expired row, or a row of the same request left running too long. The last one keeps its resource.
  const win = createStatement<typeof columns, { workspace_id: string; key: string; resource_id: string }>(
    sql,
    columns,
    (v) =>
      `insert into idempotency (workspace_id, key, body_hash, resource_id, claimed_at, patience_ms, expires_at)
       select v.workspace_id, v.key, v.body_hash, v.resource_id, v.claimed_at, v.patience_ms, v.expires_at from ${v} where true
       on conflict (workspace_id, key) do update set
         resource_id = case when idempotency.expires_at <= excluded.claimed_at then excluded.resource_id else idempotency.resource_id end,
         body_hash = excluded.body_hash, answer = null, claimed_at = excluded.claimed_at,
         patience_ms = excluded.patience_ms, expires_at = excluded.expires_at
       where idempotency.expires_at <= excluded.claimed_at
         or (idempotency.answer is null and idempotency.body_hash = excluded.body_hash
           and idempotency.claimed_at < excluded.claimed_at - excluded.patience_ms)
       returning workspace_id, key, resource_id`,
  )
  const look = createStatement<typeof identity, Found>(
    sql,
    identity,
    (v) =>
      `select t.workspace_id, t.key, t.body_hash, t.answer from ${v} cross join idempotency t where t.workspace_id = v.workspace_id and t.key = v.key`,
  )

  const claim = createVerb<Asked, Claim | null>(sql, {
    run: async (asked) => {
      // Equal keys in one batch are the same client knocking twice: the first to knock is the one that may win.
      const first = new Map<string, Asked>()
      for (const row of asked) if (!first.has(nameOf(row))) first.set(nameOf(row), row)
      const won = new Map((await win(inOrder(first.values()))).map((row) => [nameOf(row), row]))
      const others = asked.filter((row) => !(first.get(nameOf(row)) === row && won.has(nameOf(row))))
      const there = new Map<string, Found>()
      if (others.length > 0) for (const row of await look(others)) there.set(nameOf(row), row)
      return asked.map((row) => {
        const winner = won.get(nameOf(row))
        if (winner !== undefined && first.get(nameOf(row)) === row) return { type: 'claimed', resourceId: winner.resource_id }
        const found = there.get(nameOf(row))
        if (found === undefined) return null
        if (found.body_hash !== row.body_hash) return { type: 'mismatch' }
        return found.answer === null ? { type: 'running' } : { type: 'done', answer: JSON.parse(found.answer) as StoredAnswer }
      })
    },
  })

  const write = createStatement<typeof finished, never>(
    sql,
    finished,
    (v) => `update idempotency set answer = v.answer from ${v} where idempotency.workspace_id = v.workspace_id and idempotency.key = v.key`,
  )
  const finish = createVerb<Row<typeof finished>, null>(sql, {
    keysOf: (row) => [nameOf(row)],
    run: async (rows) => {
      await write(inOrder(rows))
      return rows.map(() => null)
    },
  })

  return {
    async claim(request) {
      const now = request.now.getTime()
      const row = guard({
        workspace_id: request.workspaceId,
        key: request.key,
        body_hash: request.bodyHash,
        resource_id: request.resourceId,
        claimed_at: now,
        patience_ms: now - request.staleBefore.getTime(),
        expires_at: request.expiresAt.getTime(),
      })
      for (;;) {
        const outcome = await claim(row)
        // Null: it was given free between losing it and looking who has it. Then it is there to be won.
        if (outcome !== null) return outcome
      }
    },

    async finish(workspaceId, name, answer) {
      await finish({ workspace_id: key(workspaceId), key: key(name), answer: JSON.stringify(answer) })
    },

    async forget(workspaceId, name) {
      await db.deleteFrom('idempotency').where('workspace_id', '=', key(workspaceId)).where('key', '=', key(name)).execute()
    },

    // An erasure is rare and the rows of a day are few enough to be looked through: an index would cost every request.
    async blank(workspaceId, id, answer) {
      await db
        .updateTable('idempotency')
        .set({ answer: JSON.stringify(answer) })
        .where('workspace_id', '=', key(workspaceId))
        .where('answer', 'like', `%${id}%`)
        .execute()
    },

    async prune(expiredBefore) {
      await db.deleteFrom('idempotency').where('expires_at', '<', expiredBefore.getTime()).execute()
    },
  }
}
