import type { JobStore } from '../../workspace/store.ts'
import type { Job } from '../../workspace/workspace.ts'
import { createReader } from './codec.ts'
import { createCollection } from './collection.ts'
import { ms } from './columns.ts'
import type { Sql } from './sql.ts'

export function createJobStore(sql: Sql): JobStore {
  const read = createReader<Omit<Job, 'version'>>({ dueAt: true, createdAt: true, updatedAt: true })
  const collection = createCollection<'jobs', Job>({
    sql,
    table: 'jobs',
    toRow: (job) => ({
      workspace_id: job.workspaceId,
      id: job.id,
      created_at: job.createdAt.getTime(),
      version: job.version,
      due_at: ms(job.dueAt),
      doc: JSON.stringify({ ...job, version: undefined }),
    }),
    fromRow: (row) => ({ ...read(row.doc), version: row.version }),
    read: ['version', 'doc'],
  })
  return {
    ...collection,
    async due(before, limit) {
      const rows = await sql.db
        .selectFrom('jobs')
        .select(['workspace_id', 'id', 'due_at'])
        .where('due_at', '<=', before.getTime())
        .orderBy('due_at')
        .orderBy('id')
        .limit(limit)
        .$narrowType<{ due_at: number }>()
        .execute()
      return rows.map((row) => ({ workspaceId: row.workspace_id, id: row.id, dueAt: new Date(row.due_at) }))
    },
  }
}
