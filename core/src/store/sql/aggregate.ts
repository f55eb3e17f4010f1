import type { Aggregate, OutboxEvent } from '../../event/event.ts'
import { createReader } from './codec.ts'

export interface AggregateRow {
  workspace_id: string
  id: string
  version: number
  created_at: number
  outbox: string | null
  outbox_at: number | null
  doc: string
}

export const aggregateRead = ['version', 'outbox', 'doc'] as const

const readOutbox = createReader<{ events: OutboxEvent[] }>(['events[].at'])

/**
 * Version and outbox stand in columns of their own, not in `doc`: taking events off then rewrites no document, and there is no second
 * copy to disagree with.
 */
export function toAggregateRow(doc: Aggregate & { createdAt: Date; updatedAt: Date }): AggregateRow {
  const isEmpty = doc.outbox.length === 0
  return {
    workspace_id: doc.workspaceId,
    id: doc.id,
    version: doc.version,
    created_at: doc.createdAt.getTime(),
    outbox: isEmpty ? null : JSON.stringify({ events: doc.outbox }),
    outbox_at: isEmpty ? null : doc.updatedAt.getTime(),
    doc: JSON.stringify({ ...doc, version: undefined, outbox: undefined }),
  }
}

export function createAggregateReader<T extends Aggregate>(dates: readonly string[]): (row: Pick<AggregateRow, 'version' | 'outbox' | 'doc'>) => T {
  const read = createReader<Omit<T, 'version' | 'outbox'> & { version: number; outbox: OutboxEvent[] }>(dates)
  return (row) => {
    const doc = read(row.doc)
    doc.version = row.version
    doc.outbox = row.outbox === null ? [] : readOutbox(row.outbox).events
    return doc as unknown as T
  }
}
